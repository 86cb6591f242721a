import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { listen } from "./listen.mjs";
import { claimsFor, interactionPages, messagePage } from "./provider-pages.mjs";
import { createStore } from "./provider-store.mjs";

/** What the demo API's tokens may carry. */
const RESOURCE_SCOPE = "profile email";

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/**
 * @typedef {object} DemoClient
 * @property {string} id
 * @property {string} [secret] - without it the client is public: PKCE alone
 * @property {string[]} redirectUris
 *
 * @typedef {object} ProviderOptions
 * @property {number} [port] - 0, the default, takes a free one
 * @property {"127.0.0.1" | "localhost"} [host]
 * @property {DemoClient[]} clients
 * @property {string} audience - who the access tokens are for: the demo API
 * @property {number} [accessTokenTtlSeconds]
 * @property {number} [accessTokenPadding] - this many characters more in each access token, for sessions of many chunks
 * @property {(req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => unknown} [onTokenRequest]
 *   awaited before a token request is read; when it has ended `res`, the provider does not see the request (an outage)
 * @property {(grant: { grantType: string, ctx: any }) => unknown} [onGrant] - awaited after a grant was made and before
 *   its answer leaves: may wait (a slow provider) or destroy `ctx.req.socket` (a lost answer)
 *
 * @typedef {object} ProviderStats
 * @property {{ authorization_code: number, refresh_token: number }} grants - successful ones
 * @property {{ grantType: string | undefined, error: string, description: string | undefined }[]} errors - refused grants
 * @property {number} revoked - grants ended by the revocation endpoint or by a reused token
 */

/**
 * Starts a real OpenID provider on loopback: authorization code with PKCE, JWT access tokens, refresh tokens that work
 * once (using one twice revokes the grant), revocation, userinfo. Keys and sessions live in this process only.
 *
 * @param {ProviderOptions} options
 * @returns {Promise<{ issuer: string, provider: Provider, stats: ProviderStats, close: () => Promise<void> }>}
 */
export async function startProvider(options) {
  const host = options.host ?? "127.0.0.1";
  const jwks = await newSigningKeys();
  /** @type {import("node:http").RequestListener} */
  let handler = (_req, res) => void res.writeHead(503).end();
  // The issuer holds the port, so the port comes first.
  const server = await listen((req, res) => handler(req, res), { port: options.port ?? 0, host });
  const issuer = `http://${host}:${server.port}`;
  /** @type {ProviderStats} */
  const stats = { grants: { authorization_code: 0, refresh_token: 0 }, errors: [], revoked: 0 };
  const provider = new Provider(issuer, configuration(options, { jwks, stats }));
  count(provider, stats);
  provider.use(afterGrant(options.onGrant));
  handler = routes(provider, options);
  return { issuer, provider, stats, close: server.close };
}

/**
 * ES256 for access tokens; RS256 because every client has to know it for ID tokens (OpenID Connect Core section 15.1).
 */
async function newSigningKeys() {
  const algorithms = ["RS256", "ES256"];
  const keys = algorithms.map(async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), alg, use: "sig", kid: alg.toLowerCase() };
  });
  return { keys: await Promise.all(keys) };
}

/**
 * @param {ProviderOptions} options
 * @param {{ jwks: { keys: any[] }, stats: ProviderStats }} own
 * @returns {object} as oidc-provider's documentation has it; the library brings no types
 */
function configuration(options, { jwks, stats }) {
  const { audience, accessTokenTtlSeconds = MINUTE, accessTokenPadding = 0 } = options;
  return {
    jwks,
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    adapter: createStore({ onReuse: () => stats.revoked++ }),
    clients: options.clients.map(clientMetadata),
    scopes: ["openid", "offline_access", "profile", "email"],
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
    // Apps read name and address from the ID token; the standard's way is one more call, to userinfo.
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    responseTypes: ["code"],
    clientAuthMethods: ["client_secret_basic", "none"],
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, login) => ({ accountId: login, claims: async () => claimsFor(login) }),
    extraTokenClaims: () => (accessTokenPadding > 0 ? { padding: "x".repeat(accessTokenPadding) } : undefined),
    clientBasedCORS: () => false,
    renderError,
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience,
          scope: RESOURCE_SCOPE,
          accessTokenFormat: "jwt",
          accessTokenTTL: accessTokenTtlSeconds,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    // All of them are given: for each one that is not, the library prints a notice.
    ttl: {
      AccessToken: accessTokenTtlSeconds,
      AuthorizationCode: MINUTE,
      Grant: DAY,
      IdToken: 10 * MINUTE,
      Interaction: 10 * MINUTE,
      RefreshToken: DAY,
      Session: DAY,
    },
  };
}

/** @param {DemoClient} client */
function clientMetadata({ id, secret, redirectUris }) {
  return {
    client_id: id,
    ...(secret && { client_secret: secret }),
    token_endpoint_auth_method: secret ? "client_secret_basic" : "none",
    redirect_uris: redirectUris,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  };
}

/**
 * @param {Provider} provider
 * @param {ProviderStats} stats
 */
function count(provider, stats) {
  provider.on("grant.success", ({ oidc }) => {
    stats.grants[oidc.params.grant_type]++;
  });
  provider.on("grant.error", ({ oidc }, error) => {
    // What the client is told is one sentence for all; the detail is for whoever reads the counters.
    const description = error.error_detail ?? error.error_description;
    stats.errors.push({ grantType: oidc?.params?.grant_type, error: error.error ?? error.name, description });
  });
  provider.on("grant.revoked", () => stats.revoked++);
}

/** @param {ProviderOptions["onGrant"]} onGrant */
function afterGrant(onGrant) {
  return async (ctx, next) => {
    await next();
    const granted = ctx.oidc?.route === "token" && ctx.status === 200;
    if (granted) await onGrant?.({ grantType: ctx.oidc.params.grant_type, ctx });
  };
}

/**
 * @param {Provider} provider
 * @param {ProviderOptions} options
 * @returns {import("node:http").RequestListener}
 */
function routes(provider, { audience, onTokenRequest }) {
  const openId = provider.callback();
  const pages = interactionPages(provider, { audience, resourceScope: RESOURCE_SCOPE });
  return async (req, res) => {
    const path = (req.url ?? "/").split("?")[0];
    try {
      if (path === "/token") await onTokenRequest?.(req, res);
      if (res.writableEnded || res.destroyed) return;
      if (path?.startsWith("/interaction/")) await pages(req, res);
      else await openId(req, res);
    } catch (error) {
      console.error("demo provider:", error);
      res.destroy();
    }
  };
}

/** The library's own error page loads a font from the network. */
function renderError(ctx, out) {
  ctx.type = "html";
  ctx.body = messagePage(`${out.error}: ${out.error_description ?? "no more is known"}`);
}
