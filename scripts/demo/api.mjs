import { createHash } from "node:crypto";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { listen } from "./listen.mjs";

const MAX_EVENTS = 30;
const EVENT_INTERVAL_MS = 1000;
const DOWNLOAD_CHUNK_BYTES = 64 * 1024;
const MAX_DOWNLOAD_BYTES = 1024 ** 3;
const KEPT_REQUESTS = 500;

/**
 * @typedef {object} ReceivedRequest - for tests; holds what was sent as it was sent, the token too
 * @property {string} method
 * @property {string} url - path and query, raw
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {string[]} rawHeaders
 *
 * @typedef {object} Call - one authorized request
 * @property {import("node:http").IncomingMessage} req
 * @property {import("node:http").ServerResponse} res
 * @property {URL} url
 * @property {string} token
 * @property {import("jose").JWTPayload} claims
 */

/**
 * Starts a small API that wants a valid access token for every request: signature, issuer, audience and expiry.
 *
 * `/echo` (any method) tells what it received, `/time` the time, `/events` sends an event a second, `/download?bytes=N`
 * sends N bytes, `/redirect?to=URL` redirects. A token is never in an answer.
 *
 * @param {{ port?: number, issuer: string, audience: string, host?: "127.0.0.1" | "localhost" }} options
 * @returns {Promise<{ url: string, close: () => Promise<void>, requests: ReceivedRequest[] }>} `requests`: the last ones,
 *   oldest first, refused ones among them
 */
export async function startApi({ port = 0, issuer, audience, host = "127.0.0.1" }) {
  /** @type {ReceivedRequest[]} */
  const requests = [];
  const verify = tokenVerifier({ issuer, audience });
  const server = await listen(
    async (req, res) => {
      const { method = "GET", url = "/", headers, rawHeaders } = req;
      requests.push({ method, url, headers, rawHeaders });
      if (requests.length > KEPT_REQUESTS) requests.shift();
      try {
        await answer(req, res, verify);
      } catch (error) {
        // A client that went away in the middle is no fault of ours.
        if (!res.destroyed) console.error("demo API:", error);
        res.destroy();
      }
    },
    { port, host },
  );
  return { url: `http://${host}:${server.port}`, close: server.close, requests };
}

/**
 * @param {{ issuer: string, audience: string }} expected
 * @returns {(token: string) => Promise<import("jose").JWTPayload>}
 */
function tokenVerifier({ issuer, audience }) {
  /** @type {ReturnType<typeof createRemoteJWKSet> | undefined} */
  let keys;
  return async (token) => {
    if (!keys) {
      const response = await fetch(`${issuer}/.well-known/openid-configuration`);
      const { jwks_uri } = /** @type {{ jwks_uri: string }} */ (await response.json());
      keys = createRemoteJWKSet(new URL(jwks_uri));
    }
    // RFC 9068 section 4: the type too, or an ID token would pass for an access token.
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
    return payload;
  };
}

/**
 * @param {import("node:http").IncomingMessage} req
 * @param {import("node:http").ServerResponse} res
 * @param {(token: string) => Promise<import("jose").JWTPayload>} verify
 */
async function answer(req, res, verify) {
  const token = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? "")?.[1];
  if (!token) return refuse(res, "Bearer", "No access token");
  const claims = await verify(token).catch((/** @type {Error & { code?: string }} */ error) => error);
  if (claims instanceof Error) {
    return refuse(res, 'Bearer error="invalid_token"', claims.code ?? "The access token could not be verified");
  }
  // The API's own name stands in for the host: a relative target never names another one.
  const url = new URL(`http://api${req.url ?? "/"}`);
  const route = ROUTES.get(url.pathname);
  if (!route) return sendJson(res, 404, { error: "not_found", path: url.pathname.replaceAll(token, "••••") });
  await route({ req, res, url, token, claims });
}

/** @type {Map<string, (call: Call) => unknown>} */
const ROUTES = new Map([
  ["/echo", echo],
  ["/time", ({ res }) => sendJson(res, 200, { time: new Date().toISOString() })],
  ["/events", sendEvents],
  ["/download", sendDownload],
  ["/redirect", redirect],
]);

/** @param {Call} call */
async function echo({ req, res, url, token, claims }) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of req) {
    hash.update(chunk);
    length += chunk.length;
  }
  const body = {
    method: req.method,
    path: url.pathname,
    query: Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])),
    headers: { ...req.headers, authorization: `Bearer •••• (${token.length} characters, verified)` },
    token: {
      sub: claims.sub,
      scope: claims.scope,
      expiresInSeconds: (claims.exp ?? 0) - Math.floor(Date.now() / 1000),
      issuer: claims.iss,
      audience: claims.aud,
    },
    body: { length, sha256: hash.digest("hex") },
  };
  // The token may also have been sent where it does not belong, a query for one: it is not sent back from there either.
  sendText(res, 200, JSON.stringify(body, null, 2).replaceAll(token, "••••"));
}

/** @param {Call} call */
async function sendEvents({ res }) {
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const closed = once(res, "close").catch(() => {});
  for (let id = 1; id <= MAX_EVENTS && !res.destroyed; id++) {
    res.write(`id: ${id}\ndata: ${JSON.stringify({ event: id, of: MAX_EVENTS, time: new Date().toISOString() })}\n\n`);
    await Promise.race([sleep(EVENT_INTERVAL_MS), closed]);
  }
  res.end();
}

/** @param {Call} call */
async function sendDownload({ res, url }) {
  const bytes = Number(url.searchParams.get("bytes") ?? "1024");
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_DOWNLOAD_BYTES) {
    return sendJson(res, 400, { error: "bad_request", message: `bytes must be 0 to ${MAX_DOWNLOAD_BYTES}` });
  }
  res.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": bytes,
    "content-disposition": 'attachment; filename="download.bin"',
  });
  // A client that goes away ends the pipeline with an error; `startApi` knows.
  await pipeline(chunksOf(bytes), res);
}

/** @param {number} bytes */
function* chunksOf(bytes) {
  const chunk = Buffer.alloc(DOWNLOAD_CHUNK_BYTES, "0123456789abcdef");
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
}

/** @param {Call} call */
function redirect({ res, url, token }) {
  const to = url.searchParams.get("to") ?? "/time";
  if (/[^\x21-\x7e]/.test(to)) return sendJson(res, 400, { error: "bad_request", message: "to must be a URL" });
  res.writeHead(302, { location: to.replaceAll(token, "") }).end();
}

/**
 * @param {import("node:http").ServerResponse} res
 * @param {string} challenge - RFC 6750 section 3
 * @param {string} message
 */
function refuse(res, challenge, message) {
  res.setHeader("www-authenticate", challenge);
  sendJson(res, 401, { error: "unauthorized", message });
}

/**
 * @param {import("node:http").ServerResponse} res
 * @param {number} status
 * @param {object} body
 */
function sendJson(res, status, body) {
  sendText(res, status, JSON.stringify(body, null, 2));
}

/**
 * @param {import("node:http").ServerResponse} res
 * @param {number} status
 * @param {string} json
 */
function sendText(res, status, json) {
  res.writeHead(status, { "content-type": "application/json", "cache-control": "private, no-store" });
  res.end(`${json}\n`);
}
