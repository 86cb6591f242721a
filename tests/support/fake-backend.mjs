import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { listen } from "./listen.mjs";

/**
 * A resource server on loopback that keeps what it sees. `respond` answers; the default says what arrived, without the
 * bearer's value.
 *
 * @typedef {object} Seen
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string[]} rawNames header names as sent, lower case
 * @property {string} bearer the access token, without the scheme
 * @property {number} bytes body length
 * @property {string} sha256 of the body, hex
 * @property {boolean} complete whether the whole body arrived
 */
export async function startFakeBackend({ port = 0 } = {}) {
  const state = {
    /** @type {Seen[]} */
    seen: [],
    /** @type {null | ((request, response, seen: Seen) => unknown)} */
    respond: null,
    /** Requests whose client went away before the answer ended. */
    aborted: 0,
  };
  const server = createServer(async (request, response) => {
    const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    const seen = {
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      rawNames: names,
      bearer: (request.headers.authorization ?? "").replace(/^Bearer /, ""),
      bytes: 0,
      sha256: "",
      complete: false,
    };
    state.seen.push(seen);
    response.on("close", () => {
      if (!response.writableFinished) state.aborted += 1;
    });
    const hash = createHash("sha256");
    try {
      for await (const chunk of request) {
        seen.bytes += chunk.length;
        hash.update(chunk);
      }
      seen.complete = request.complete;
    } catch {
      return; // the request was broken off: `complete` stays false
    }
    seen.sha256 = hash.digest("hex");
    if (state.respond) return state.respond(request, response, seen);
    response.writeHead(200, { "content-type": "application/json" });
    const { bearer, headers, ...rest } = seen;
    response.end(JSON.stringify({ ...rest, hasBearer: bearer !== "" }));
  });
  const { origin, close } = await listen(server, port);
  return { url: origin, state, close };
}
