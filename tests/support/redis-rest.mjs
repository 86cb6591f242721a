import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { RedisError } from "./resp.mjs";

export { startRedis } from "./redis-server.mjs";

/** Upstash's limit on its free and pay-as-you-go plans was this for years; nothing of ours comes near. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * A REST front for a real Redis, as strict as Upstash's: https://upstash.com/docs/redis/features/restapi
 *
 * @param {{ redis: Awaited<ReturnType<typeof import("./redis-server.mjs").startRedis>>, token: string, port?: number }} options
 */
export async function startRedisRest({ redis, token, port = 0 }) {
  /** What a test turns to make the front behave like a bad day. */
  const controls = {
    /** Every answer waits this long; the command is done before. */
    delayMs: 0,
    /** @type {number | null} Every request gets this status, and its command is not done. */
    failStatus: null,
    /** No answer at all; the command is not done. */
    hang: false,
    /** So many commands are done and their connection closed instead of answered. */
    loseAnswers: 0,
  };
  const counts = { calls: 0 };
  const server = createServer((request, response) => {
    counts.calls += 1;
    answer({ request, redis, token, controls }).then(
      (reply) => reply === "hang" || send(response, reply),
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = 60_000;
  const listen = async (/** @type {number} */ at) => {
    server.listen(at, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(port);
  const { port: boundPort } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${boundPort}`,
    token,
    controls,
    /** Requests since the start, refused ones too. */
    get calls() {
      return counts.calls;
    },
    stop,
    /** Listens again, on the same port. */
    restart: () => listen(boundPort),
  };
}

/** @typedef {{ status: number, body: unknown } | "hang"} Answer */

/** @returns {Promise<Answer>} */
async function answer({ request, redis, token, controls }) {
  const body = await readBody(request);
  if (controls.hang) return "hang";
  if (controls.failStatus !== null) return refusal(controls.failStatus, "ERR failing on purpose");
  const refused = refuse(request, body, token);
  if (refused) return refused;
  const reply = await run(
    redis,
    request.url,
    JSON.parse(String(body)),
    request.headers["upstash-encoding"] === "base64",
  );
  if (controls.loseAnswers > 0) {
    controls.loseAnswers -= 1;
    throw new Error("answer lost on purpose");
  }
  if (controls.delayMs > 0) await sleep(controls.delayMs);
  return reply;
}

/** @returns {Promise<Buffer | null>} null when it is too large */
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks);
}

/** @returns {Answer | null} what is wrong with the request before Redis is asked */
function refuse(request, body, token) {
  if (request.headers.authorization !== `Bearer ${token}`) {
    return refusal(401, "WRONGPASS invalid or missing auth token");
  }
  if (request.method !== "POST") return refusal(405, "ERR only POST is served here");
  if (!["/", "/pipeline", "/multi-exec"].includes(request.url)) return refusal(404, "ERR no such path");
  if (body === null) return refusal(413, "ERR max request size exceeded");
  const json = parseJson(body);
  const isValid =
    request.url === "/" ? isCommand(json) : Array.isArray(json) && json.length > 0 && json.every(isCommand);
  return isValid ? null : refusal(400, "ERR failed to parse command");
}

function parseJson(body) {
  try {
    return JSON.parse(String(body));
  } catch {
    return null;
  }
}

const isCommand = (json) =>
  Array.isArray(json) && json.length > 0 && json.every((arg) => ["string", "number", "boolean"].includes(typeof arg));

/** @returns {Promise<Answer>} */
async function run(redis, path, json, base64) {
  const reply = (value) => (value instanceof RedisError ? { error: value.message } : { result: toJson(value, base64) });
  try {
    if (path === "/pipeline") return { status: 200, body: (await redis.commands(json)).map(reply) };
    const replies = path === "/" ? await redis.commands([json]) : await redis.commands([["MULTI"], ...json, ["EXEC"]]);
    const last = replies.at(-1);
    if (last instanceof RedisError) return refusal(400, last.message);
    return { status: 200, body: path === "/" ? reply(last) : last.map(reply) };
  } catch {
    return refusal(503, "ERR the database can't be reached");
  }
}

/** Strings in base64 when asked for; `OK` and numbers never. */
function toJson(value, base64) {
  if (Array.isArray(value)) return value.map((item) => toJson(item, base64));
  if (value instanceof RedisError) return value.message;
  return Buffer.isBuffer(value) ? value.toString(base64 ? "base64" : "utf8") : value;
}

const refusal = (status, error) => ({ status, body: { error } });

function send(response, { status, body }) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
