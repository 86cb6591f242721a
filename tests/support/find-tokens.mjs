/**
 * Looks for tokens in what a browser got or a log kept: in the clear, percent-encoded, in base64 and base64url. A part of
 * 24 characters counts: it is more than chance gives.
 *
 * @param {Iterable<string>} texts
 * @param {Iterable<string>} tokens
 * @returns {string[]} how each token was found, without the token
 */
export function findTokens(texts, tokens) {
  const found = [];
  const all = [...texts].join("\n");
  for (const token of tokens) {
    for (const [spelling, needle] of spellings(token)) {
      if (all.includes(needle)) found.push(`${token.slice(0, 6)}… in ${spelling}`);
    }
  }
  return found;
}

const PART = 24;

function* spellings(token) {
  const parts = [token.slice(0, PART), token.slice(-PART)];
  for (const part of parts) {
    yield ["the clear", part];
    yield ["percent-encoding", encodeURIComponent(part)];
    // Base64 has three alignments; the first and last group of each depend on the neighbours, so they are left out.
    for (const shift of [0, 1, 2]) {
      const encoded = Buffer.from("\0".repeat(shift) + part).toString("base64");
      const inner = encoded.slice(4, -4);
      yield ["base64", inner];
      yield ["base64url", inner.replaceAll("+", "-").replaceAll("/", "_")];
    }
  }
}
