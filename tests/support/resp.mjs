/**
 * RESP2, as much of it as a REST front needs: https://redis.io/docs/latest/develop/reference/protocol-spec/
 * Replies are numbers, strings as Buffers (`+OK` as a string), arrays, null, and `RedisError`.
 */

/** An error reply, kept as a value: in an array it stands among answers. */
export class RedisError extends Error {}

/**
 * @param {readonly (string | number | boolean | Buffer)[]} args
 * @returns {Buffer}
 */
export function encodeCommand(args) {
  const parts = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/**
 * Makes a parser that is fed chunks and calls back with each whole reply.
 *
 * @param {(reply: unknown) => void} onReply
 * @returns {(chunk: Buffer) => void}
 */
export function replyParser(onReply) {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const parsed = parseAt(pending, 0);
      if (!parsed) return;
      pending = pending.subarray(parsed.next);
      onReply(parsed.reply);
    }
  };
}

/** @returns {{ reply: unknown, next: number } | null} null when more bytes are needed */
function parseAt(/** @type {Buffer} */ bytes, /** @type {number} */ start) {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd === -1) return null;
  const line = bytes.toString("utf8", start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case "+":
      return { reply: line, next };
    case "-":
      return { reply: new RedisError(line), next };
    case ":":
      return { reply: Number(line), next };
    case "$":
      return parseBulk(bytes, next, Number(line));
    case "*":
      return parseArray(bytes, next, Number(line));
    default:
      throw new Error("not RESP2");
  }
}

function parseBulk(/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ length) {
  if (length === -1) return { reply: null, next: start };
  const end = start + length;
  if (bytes.length < end + 2) return null;
  return { reply: Buffer.from(bytes.subarray(start, end)), next: end + 2 };
}

function parseArray(/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ length) {
  if (length === -1) return { reply: null, next: start };
  const items = [];
  let next = start;
  for (let i = 0; i < length; i++) {
    const item = parseAt(bytes, next);
    if (!item) return null;
    items.push(item.reply);
    next = item.next;
  }
  return { reply: items, next };
}
