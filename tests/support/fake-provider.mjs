import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { listen } from "./listen.mjs";

/**
 * An OpenID provider on loopback, as strict as production: codes and refresh tokens work once, a second use of a refresh
 * token is counted as reuse and ends the grant, the client must authenticate, PKCE is checked. Its tokens are
 * recognisable (`at-…`, `rt-…`), so that a test can look for them anywhere. How it fails is set by `mode`.
 *
 * @typedef {object} FakeProviderState
 * @property {number} accessTokenSeconds lifetime of the next access tokens, seconds
 * @property {number} accessTokenBytes length of the next access tokens
 * @property {string} mode "ok", or how the token endpoint fails for refresh grants: see `failures`
 * @property {number} delayMs how long a refresh grant takes
 * @property {Promise<void> | null} gate when set, refresh grants wait for it before they answer
 * @property {number} grants refresh grants that succeeded
 * @property {number} attempts refresh grants that arrived
 * @property {number} reuses refresh tokens that came a second time
 * @property {string[]} revoked refresh tokens that were revoked
 * @property {Set<string>} issued every token ever issued
 */
export async function startFakeProvider({ port = 0, clientId = "app", clientSecret = "app-secret" } = {}) {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  /** @type {FakeProviderState} */
  const state = {
    accessTokenSeconds: 3600,
    accessTokenBytes: 200,
    mode: "ok",
    delayMs: 0,
    gate: null,
    grants: 0,
    attempts: 0,
    reuses: 0,
    revoked: [],
    issued: new Set(),
  };
  const codes = new Map();
  const refreshTokens = new Map();
  let issuer = "";

  const token = (prefix, bytes) => {
    const value = `${prefix}-${randomBytes(bytes).toString("hex")}`.slice(0, bytes - ENDING.length).concat(ENDING);
    state.issued.add(value);
    return value;
  };

  const grantTokens = (grant) => {
    const accessToken = token("at", state.accessTokenBytes);
    const refreshToken = token("rt", 48);
    refreshTokens.set(refreshToken, { grant, used: false });
    grant.accessTokens.push(accessToken);
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: state.accessTokenSeconds,
      refresh_token: refreshToken,
      scope: grant.scope,
    };
  };

  async function authorize(url, response) {
    const params = url.searchParams;
    const login = params.get("login_hint") ?? state.login ?? "ada";
    const code = randomBytes(16).toString("hex");
    codes.set(code, { params, login });
    const back = new URL(params.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("iss", issuer);
    if (params.get("state")) back.searchParams.set("state", params.get("state"));
    response.writeHead(302, { location: back.href }).end();
  }

  async function exchangeCode(body, response) {
    const pending = codes.get(body.get("code"));
    codes.delete(body.get("code"));
    const challenge = createHash("sha256")
      .update(body.get("code_verifier") ?? "")
      .digest("base64url");
    if (!pending || pending.params.get("code_challenge") !== challenge)
      return json(response, 400, { error: "invalid_grant" });
    const grant = { login: pending.login, scope: pending.params.get("scope"), alive: true, accessTokens: [] };
    const tokens = grantTokens(grant);
    const claims = {
      name: `User ${grant.login}`,
      email: `${grant.login}@example.test`,
      ...(pending.params.has("nonce") && { nonce: pending.params.get("nonce") }),
    };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setSubject(grant.login)
      .setIssuer(issuer)
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime("10m")
      .sign(privateKey);
    state.issued.add(idToken);
    return json(response, 200, { ...tokens, id_token: idToken, ...state.override?.() });
  }

  async function refresh(body, response) {
    state.attempts += 1;
    if (state.delayMs) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    if (state.gate) await state.gate;
    const fail = failures[state.mode];
    if (fail) return fail(response);
    const known = refreshTokens.get(body.get("refresh_token"));
    if (!known) return json(response, 400, { error: "invalid_grant" });
    if (known.used) {
      state.reuses += 1;
      known.grant.alive = false;
    }
    if (!known.grant.alive) return json(response, 400, { error: "invalid_grant" });
    known.used = true;
    state.grants += 1;
    const answer = { ...grantTokens(known.grant), ...state.override?.() };
    // The token is spent, but its answer never comes.
    if (state.mode === "spend_and_hold") return undefined;
    return json(response, 200, answer);
  }

  function revoke(body, response) {
    const value = body.get("token");
    state.revoked.push(value);
    const known = refreshTokens.get(value);
    if (known) known.grant.alive = false;
    response.writeHead(200).end();
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, issuer);
    if (url.pathname === "/.well-known/openid-configuration") return json(response, 200, metadata(issuer));
    if (url.pathname === "/jwks") return json(response, 200, { keys: [jwk] });
    if (url.pathname === "/authorize") return authorize(url, response);
    const body = new URLSearchParams(await text(request));
    const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    if (request.headers.authorization !== expected) return json(response, 401, { error: "invalid_client" });
    if (url.pathname === "/revoke") return revoke(body, response);
    if (url.pathname !== "/token") return response.writeHead(404).end();
    return body.get("grant_type") === "refresh_token" ? refresh(body, response) : exchangeCode(body, response);
  });
  const { origin, close } = await listen(server, port);
  issuer = origin;
  /** Whether this access token was issued to this login and its grant lives. */
  const isValid = (accessToken) =>
    [...refreshTokens.values()].some(({ grant }) => grant.accessTokens.includes(accessToken));
  const loginOf = (accessToken) =>
    [...refreshTokens.values()].find(({ grant }) => grant.accessTokens.includes(accessToken))?.grant.login;
  return { issuer, clientId, clientSecret, state, isValid, loginOf, close };
}

/** Every token ends so: characters that percent-encoding changes. */
const ENDING = "+/=";

/** How a token endpoint goes wrong; each leaves the refresh token unspent. */
const failures = {
  500: (response) => json(response, 500, { error: "server_error", secret: "upstream-body-secret" }),
  429: (response) => response.writeHead(429, { "retry-after": "7", "content-type": "text/plain" }).end("slow down"),
  html: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Maintenance</h1>"),
  empty: (response) => response.writeHead(200, { "content-type": "application/json" }).end(),
  huge: (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`{"access_token":"${"x".repeat(10 * 1024 * 1024)}"}`);
  },
  never: () => {},
  cut: (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
    response.write('{"access_token":"at-');
    setImmediate(() => response.destroy());
  },
  invalid_grant: (response) => json(response, 400, { error: "invalid_grant" }),
  invalid_client: (response) => json(response, 401, { error: "invalid_client" }),
};

function metadata(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    revocation_endpoint: `${issuer}/revoke`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    authorization_response_iss_parameter_supported: true,
  };
}

function json(response, status, body) {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

async function text(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
