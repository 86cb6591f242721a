/** What reached one of the provider's endpoints. */
export interface ProviderCall {
  path: string;
  authorization: string | null;
  accept: string | null;
  params: URLSearchParams;
}

/** Fails a refresh grant before anything is spent; a name of {@link failures}, or a test's own. */
export type Failure = (signal: AbortSignal) => Response | Promise<Response>;

interface Grant {
  login: string;
  isAlive: boolean;
  accessTokens: string[];
}

/**
 * An OAuth provider in this process, as strict as production: the client must authenticate as agreed, refresh tokens
 * work once, and a second use of one is counted as reuse and ends its grant. Its tokens are recognisable (`at-…`, `rt-…`).
 */
export class EdgeProvider {
  readonly origin: string;
  clientId = "app";
  clientSecret = "app-secret";
  authentication: "client_secret_basic" | "client_secret_post" | "none" = "client_secret_basic";
  accessTokenSeconds = 3600;
  accessTokenBytes = 40;
  /** Merged over each refresh answer; a member that is `undefined` is left out of it. */
  override: Record<string, unknown> = {};
  failure: Failure | null = null;
  discoveryFailure: Failure | null = null;
  /** Merged over the discovery document. */
  metadata: Record<string, unknown> = {};
  /** While set, refresh grants wait for it before anything is spent. */
  gate: Promise<void> | null = null;
  attempts = 0;
  grants = 0;
  reuses = 0;
  discoveries = 0;
  readonly calls: ProviderCall[] = [];
  readonly revoked: string[] = [];
  readonly issued = new Set<string>();
  readonly #refreshTokens = new Map<string, { grant: Grant; isUsed: boolean }>();

  constructor(origin = "https://provider.test") {
    this.origin = origin;
  }

  /** A token response as the code exchange gives it. */
  signIn(login: string): Record<string, unknown> {
    return this.#grant({ login, isAlive: true, accessTokens: [] });
  }

  /** Whose access token this is; null for none of ours. */
  ownerOf(accessToken: string): string | null {
    for (const { grant } of this.#refreshTokens.values()) {
      if (grant.accessTokens.includes(accessToken)) return grant.login;
    }
    return null;
  }

  /** Takes a revocation back, as a provider does that is slow to spread it. */
  revive(refreshToken: string): void {
    const known = this.#refreshTokens.get(refreshToken);
    if (known) known.grant.isAlive = true;
  }

  /** The calls of one endpoint. */
  callsTo(path: string): ProviderCall[] {
    return this.calls.filter((call) => call.path === path);
  }

  /** @returns null for a path that the provider does not have */
  async answer(url: URL, init: RequestInit): Promise<Response | null> {
    const signal = init.signal ?? new AbortController().signal;
    if (url.pathname === "/.well-known/openid-configuration") {
      this.discoveries += 1;
      return this.discoveryFailure ? this.discoveryFailure(signal) : json(200, this.#document());
    }
    if (init.method !== "POST" || (url.pathname !== "/token" && url.pathname !== "/revoke")) return null;
    const headers = new Headers(init.headers);
    const params = new URLSearchParams(await new Response(init.body ?? null).text());
    this.calls.push({
      path: url.pathname,
      authorization: headers.get("authorization"),
      accept: headers.get("accept"),
      params,
    });
    const denied = json(401, { error: "invalid_client" });
    if (url.pathname === "/revoke") return this.#isClient(headers, params) ? this.#revoke(params) : denied;
    this.attempts += 1;
    if (this.gate) await this.gate;
    if (this.failure) return this.failure(signal);
    return this.#isClient(headers, params) ? this.#refresh(params) : denied;
  }

  #refresh(params: URLSearchParams): Response {
    const known = this.#refreshTokens.get(params.get("refresh_token") ?? "");
    if (params.get("grant_type") !== "refresh_token" || !known) return json(400, { error: "invalid_grant" });
    if (known.isUsed) {
      this.reuses += 1;
      known.grant.isAlive = false;
    }
    if (!known.grant.isAlive) return json(400, { error: "invalid_grant" });
    // A provider that hands out no new refresh token does not rotate: the old one stays good.
    known.isUsed = !("refresh_token" in this.override);
    this.grants += 1;
    return json(200, { ...this.#grant(known.grant), ...this.override });
  }

  #revoke(params: URLSearchParams): Response {
    const token = params.get("token") ?? "";
    this.revoked.push(token);
    const known = this.#refreshTokens.get(token);
    if (known) known.grant.isAlive = false;
    return new Response(null, { status: 200 });
  }

  #grant(grant: Grant): Record<string, unknown> {
    const accessToken = this.#token("at", this.accessTokenBytes);
    const refreshToken = this.#token("rt", 40);
    grant.accessTokens.push(accessToken);
    this.#refreshTokens.set(refreshToken, { grant, isUsed: false });
    const scope = "openid offline_access";
    const expiresIn = this.accessTokenSeconds;
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: expiresIn,
      refresh_token: refreshToken,
      scope,
    };
  }

  #token(prefix: string, bytes: number): string {
    const random = crypto.getRandomValues(new Uint8Array(bytes));
    const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    // Characters that percent-encoding and base64url change.
    const token = `${prefix}-${hex}`.slice(0, bytes - 4).concat("~+/=");
    this.issued.add(token);
    return token;
  }

  #isClient(headers: Headers, params: URLSearchParams): boolean {
    const authorization = headers.get("authorization");
    const [id, secret] = [params.get("client_id"), params.get("client_secret")];
    if (this.authentication === "client_secret_basic") {
      const credentials = `${encodeURIComponent(this.clientId)}:${encodeURIComponent(this.clientSecret)}`;
      return authorization === `Basic ${btoa(credentials)}` && secret === null;
    }
    if (authorization !== null || id !== this.clientId) return false;
    return secret === (this.authentication === "none" ? null : this.clientSecret);
  }

  #document(): Record<string, unknown> {
    const endpoint = (path: string): string => `${this.origin}${path}`;
    return {
      issuer: this.origin,
      authorization_endpoint: endpoint("/authorize"),
      token_endpoint: endpoint("/token"),
      revocation_endpoint: endpoint("/revoke"),
      jwks_uri: endpoint("/jwks"),
      ...this.metadata,
    };
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

/** Something that a log or a response of ours must never repeat. */
export const UPSTREAM_SECRET = "words-of-the-provider";

const JSON_TYPE = { "content-type": "application/json" };

/** Ways of a token endpoint to give no verdict: each leaves the refresh token unspent. */
export const failures = {
  "answers 500": () => json(500, { error: "server_error", error_description: UPSTREAM_SECRET }),
  "answers 503": () => new Response(UPSTREAM_SECRET, { status: 503 }),
  "answers 429": () => new Response("slow down", { status: 429, headers: { "retry-after": "7" } }),
  "answers HTML": () => new Response("<h1>Maintenance</h1>", { headers: { "content-type": "text/html" } }),
  "answers nothing in 200": () => new Response("", { headers: JSON_TYPE }),
  "answers JSON without a token": () => json(200, { hello: UPSTREAM_SECRET }),
  "answers an array": () => json(200, []),
  "redirects to another host": () => new Response(null, { status: 307, headers: { location: "https://evil.test/" } }),
  "answers 10 MB": () => new Response(streamOf(160, "x".repeat(65_536)), { headers: JSON_TYPE }),
  "never ends its body": () => new Response(silentAfter('{"access_token":"'), { headers: JSON_TYPE }),
  "cuts its body": () => new Response(cutAfter('{"access_token":"'), { headers: JSON_TYPE }),
  "never answers": () => new Promise<Response>(() => {}),
  "refuses the connection": () => Promise.reject(new TypeError("fetch failed")),
  "answers invalid_client": () => json(401, { error: "invalid_client" }),
  "answers a challenge": () => new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="t"' } }),
  "answers unauthorized_client": () => json(400, { error: "unauthorized_client" }),
  "answers invalid_request": () => json(400, { error: "invalid_request" }),
  "answers invalid_scope": () => json(400, { error: "invalid_scope" }),
  "answers an error of its own": () => json(400, { error: UPSTREAM_SECRET }),
} as const satisfies Record<string, Failure>;

export const invalidGrant: Failure = () => json(400, { error: "invalid_grant", error_description: UPSTREAM_SECRET });

/** Bytes pulled out of {@link streamOf}'s streams. */
export const pulled = { bytes: 0 };

function streamOf(times: number, chunk: string): ReadableStream<Uint8Array> {
  let left = times;
  const bytes = new TextEncoder().encode(chunk);
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      left -= 1;
      pulled.bytes += bytes.byteLength;
      controller.enqueue(bytes);
    },
  });
}

function silentAfter(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) });
}

function cutAfter(text: string): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream({
    pull(controller) {
      if (isSent) return controller.error(new TypeError("terminated"));
      isSent = true;
      controller.enqueue(new TextEncoder().encode(text));
    },
  });
}
