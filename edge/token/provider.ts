import * as oauth from "oauth4webapi";
import { ConfigError } from "../problem";
import { isLoopback, parseHttpUrl } from "../settings";

/** A provider as the refresh and the revocation need it; `host/next/providers` makes one of each Auth.js provider. */
export interface Provider {
  /** Auth.js's provider id. */
  id: string;
  clientId: string;
  /** Absent for a public client (RFC 6749 section 2.1). */
  clientSecret?: string | undefined;
  /** How the client authenticates at the token endpoint; RFC 8414's names. */
  clientAuthentication: "client_secret_basic" | "client_secret_post" | "none";
  /** OIDC issuer, or an OAuth 2 one with metadata; needed when `tokenEndpoint` is absent. */
  issuer?: string | undefined;
  /** `oidc` for OpenID discovery, `oauth2` for RFC 8414. */
  discovery: "oidc" | "oauth2";
  /** Spares the discovery: the provider's own token URL. */
  tokenEndpoint?: string | undefined;
  /** RFC 7009; discovered when absent. */
  revocationEndpoint?: string | undefined;
}

/** How the provider is reached: what a host passes in. */
export interface ProviderTransport {
  fetch: typeof fetch;
  /** The end of patience for one call, discovery and grant each, milliseconds. */
  timeoutMs: number;
  nowMs: () => number;
}

/** A provider with its endpoints known. */
export interface ProviderEndpoints {
  server: oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: oauth.ClientAuth;
}

/** Providers' metadata is stable for days; an hour bounds how long a moved endpoint is missed. */
const DISCOVERY_TTL_MS = 3_600_000;

/** No honest token or discovery document comes near; a hostile one must not fill the isolate's memory. */
const MAX_BODY_BYTES = 256 * 1024;

/** Finds a provider's endpoints; remembers them for an hour, and forgets failures at once. */
export type FindEndpoints = (provider: Provider) => Promise<ProviderEndpoints>;

/**
 * @returns a function that gives a provider's endpoints, from its own URLs or by discovery
 */
export function createEndpointFinder(transport: ProviderTransport): FindEndpoints {
  const cache = new Map<string, { server: oauth.AuthorizationServer; untilMs: number }>();
  return async (provider) => {
    let known = cache.get(provider.id);
    if (!known || known.untilMs <= transport.nowMs()) {
      known = { server: await findServer(provider, transport), untilMs: transport.nowMs() + DISCOVERY_TTL_MS };
      cache.set(provider.id, known);
    }
    return {
      server: known.server,
      client: { client_id: provider.clientId },
      authentication: authenticationOf(provider),
    };
  };
}

async function findServer(provider: Provider, transport: ProviderTransport): Promise<oauth.AuthorizationServer> {
  const own = {
    ...(provider.tokenEndpoint ? { token_endpoint: provider.tokenEndpoint } : {}),
    ...(provider.revocationEndpoint ? { revocation_endpoint: provider.revocationEndpoint } : {}),
  };
  if (provider.tokenEndpoint) return { issuer: provider.issuer ?? new URL(provider.tokenEndpoint).origin, ...own };
  const issuer = issuerOf(provider);
  const response = await oauth.discoveryRequest(issuer, {
    algorithm: provider.discovery,
    ...requestOptions(issuer, transport),
  });
  return { ...(await oauth.processDiscoveryResponse(issuer, response)), ...own };
}

function issuerOf(provider: Provider): URL {
  if (!provider.issuer) throw new ConfigError(`providers: ${provider.id}`, "needs an issuer or a token URL");
  return parseHttpUrl(provider.issuer, `providers: ${provider.id}: issuer`);
}

function authenticationOf(provider: Provider): oauth.ClientAuth {
  if (provider.clientAuthentication === "none") return oauth.None();
  if (!provider.clientSecret) throw new ConfigError(`providers: ${provider.id}`, "needs a client secret");
  return provider.clientAuthentication === "client_secret_post"
    ? oauth.ClientSecretPost(provider.clientSecret)
    : clientSecretBasic(provider.clientId, provider.clientSecret);
}

/**
 * `client_secret_basic` in the spelling that Auth.js uses at sign-in (`@auth/core` 0.41). oauth4webapi's own encodes `-`,
 * `_`, `.` and `~` too; RFC 6749 section 2.3.1 makes both the same, but providers that do not decode are common, and one
 * of them would take the sign-in and refuse every refresh.
 */
function clientSecretBasic(clientId: string, clientSecret: string): oauth.ClientAuth {
  const formEncode = (value: string): string => encodeURIComponent(value).replaceAll("%20", "+");
  const credentials = btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`);
  return (_server, _client, _body, headers) => headers.set("authorization", `Basic ${credentials}`);
}

/**
 * The options of every oauth4webapi request: no redirect is followed, the answer is capped and timed as a whole, and
 * http is for loopback hosts only, wherever a discovery document points.
 */
export function requestOptions(
  url: URL,
  transport: ProviderTransport,
): {
  [oauth.customFetch]: (input: string, init: object) => Promise<Response>;
  [oauth.allowInsecureRequests]: boolean;
  signal: () => AbortSignal;
} {
  return {
    [oauth.customFetch]: (input, init) => cappedFetch(input, init, transport),
    [oauth.allowInsecureRequests]: url.protocol === "http:" && isLoopback(url.hostname),
    signal: () => AbortSignal.timeout(transport.timeoutMs),
  };
}

/** Reads the whole answer under the request's own signal, so that a body that never ends is a timeout too. */
async function cappedFetch(url: string, init: RequestInit, transport: ProviderTransport): Promise<Response> {
  const response = await transport.fetch(url, { ...init, redirect: "manual" });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  if (response.body) {
    const reader = response.body.getReader();
    const stop = (): void => void reader.cancel().catch(() => {});
    init.signal?.addEventListener("abort", stop);
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        size += read.value.byteLength;
        if (size > MAX_BODY_BYTES) {
          stop();
          throw new OversizedBody();
        }
        chunks.push(read.value);
      }
    } finally {
      init.signal?.removeEventListener("abort", stop);
    }
    init.signal?.throwIfAborted();
  }
  const body = NULL_BODY_STATUSES.has(response.status) ? null : new Blob(chunks);
  return new Response(body, { status: response.status, headers: response.headers });
}

const NULL_BODY_STATUSES = new Set([101, 103, 204, 205, 304]);

class OversizedBody extends Error {}
