import { expect, onTestFinished } from "vitest";
import { type AssembledGateway, createGateway, type GatewayConfig, type LogEvent, type ProcessMemory } from "@/edge";
import type { BackendConfig } from "@/edge/backend/backend";
import { endedChecksMemory } from "@/edge/ended-checks";
import { claimsFromAccount } from "@/edge/session/auth-callbacks";
import { setCookieLines } from "@/edge/session/cookies";
import type { SessionClaims } from "@/edge/session/session";
import type { Provider } from "@/edge/token/provider";
import { EdgeBackend } from "./edge-backend";
import { CookieJar } from "./edge-cookies";
import { tokensIn } from "./edge-leaks";
import { EdgeProvider } from "./edge-provider";

/** The secret of every world that brings none. */
export const SECRET = "a-secret-of-more-than-thirty-two-characters";
export const APP_ORIGIN = "https://app.test";
export const COOKIE = "__Host-Http-authjs.session-token";

/** What a test may choose; all else is the default of production. */
export interface WorldOptions {
  env?: Record<string, string | undefined>;
  backend?: Partial<BackendConfig>;
  /** By mount, beside `/backend/`. */
  otherBackends?: GatewayConfig["backends"];
  config?: Omit<GatewayConfig, "backends">;
  /** Beside, or instead of, the OIDC provider. */
  providers?: (own: Provider) => readonly Provider[];
}

/** One request, beyond its path. */
export interface AskOptions {
  method?: string;
  cookie?: string;
  /** Over `sec-fetch-site: same-origin`; null leaves a name out. */
  headers?: Record<string, string | null>;
  body?: BodyInit;
  signal?: AbortSignal;
  /** The raw request target, where it is none that a URL can hold. */
  target?: string;
  bodyLimitBytes?: number | null;
  gateway?: AssembledGateway;
}

/** A person with a browser, signed in. */
export interface Visitor {
  login: string;
  claims: SessionClaims;
  jar: CookieJar;
  /** Sends the jar's cookies, and keeps what comes back. */
  ask(path: string, options?: AskOptions): Promise<Response>;
}

export type World = ReturnType<typeof createWorld>;

/**
 * A whole gateway with only its network faked: a provider, a backend, a clock. A call to anything else, or one that
 * would follow redirects, fails the test; so does a token in a response header or in the log.
 */
export function createWorld(options: WorldOptions = {}) {
  const clock = { nowMs: Date.UTC(2030, 0, 1) };
  const provider = new EdgeProvider();
  const backend = new EdgeBackend();
  const servers = new Map<string, (url: URL, init: RequestInit) => Promise<Response | null>>([
    [provider.origin, (url, init) => provider.answer(url, init)],
    [backend.origin, (url, init) => backend.answer(url, init)],
  ]);
  const fetched: string[] = [];
  const violations: string[] = [];
  const log: LogEvent[] = [];
  const responseHeaders: string[] = [];
  const background: Promise<unknown>[] = [];

  async function fakeFetch(input: unknown, init: RequestInit = {}): Promise<Response> {
    const url = new URL(String(input));
    const call = `${init.method ?? "GET"} ${url.origin}${url.pathname}`;
    fetched.push(call);
    if (init.redirect !== "manual") violations.push(`${call} would follow redirects`);
    init.signal?.throwIfAborted();
    const answer = await orAborted(servers.get(url.origin)?.(url, init) ?? Promise.resolve(null), init.signal);
    if (answer) return answer;
    violations.push(`${call} is not declared`);
    throw new TypeError("fetch failed");
  }

  function build(other: WorldOptions & { memory?: ProcessMemory } = {}): AssembledGateway {
    const merged = { ...options, ...other };
    const own: Provider = {
      id: "oidc",
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
      clientAuthentication: "client_secret_basic",
      issuer: provider.origin,
      discovery: "oidc",
    };
    const url = `${backend.origin}/v1`;
    return createGateway({
      env: { AUTH_URL: APP_ORIGIN, AUTH_SECRET: SECRET, ...merged.env },
      config: {
        ...merged.config,
        backends: { "/backend/": { url, urlSetting: "BACKEND_URL", ...merged.backend }, ...merged.otherBackends },
      },
      providers: merged.providers?.(own) ?? [own],
      fetch: fakeFetch as typeof fetch,
      nowMs: () => clock.nowMs,
      log: (event) => log.push(event),
      memory: other.memory ?? freshMemory(),
    });
  }

  const gateway = build();

  async function askOrPass(path: string, ask: AskOptions = {}): Promise<Response | null> {
    const headers = new Headers();
    const chosen: Record<string, string | null> = { "sec-fetch-site": "same-origin", ...ask.headers };
    if (ask.cookie) headers.set("cookie", ask.cookie);
    for (const [name, value] of Object.entries(chosen)) if (value !== null) headers.set(name, value);
    const init = { method: ask.method ?? "GET", headers, duplex: "half", body: ask.body ?? null };
    const request = new Request(new URL(path, (ask.gateway ?? gateway).settings.origin), {
      ...init,
      ...(ask.signal ? { signal: ask.signal } : {}),
    });
    const response = await (ask.gateway ?? gateway).handle(request, {
      target: ask.target ?? path,
      waitUntil: (work) => void background.push(work),
      bodyLimitBytes: ask.bodyLimitBytes ?? null,
    });
    if (response) responseHeaders.push(JSON.stringify([...response.headers]));
    return response;
  }

  async function ask(path: string, options?: AskOptions): Promise<Response> {
    const response = await askOrPass(path, options);
    if (!response) throw new Error(`the gateway passed ${path} on`);
    return response;
  }

  async function visitor(claims: SessionClaims, home: AssembledGateway = gateway): Promise<Visitor> {
    const sealed = await home.writer.sealNew(claims);
    const { style, maxAgeSeconds } = home.writer.codec;
    const jar = new CookieJar(setCookieLines({ style, sealed, maxAgeSeconds, requestCookies: [] }));
    return {
      login: String(claims.sub),
      claims,
      jar,
      async ask(path, options) {
        const response = await ask(path, { cookie: jar.header(), gateway: home, ...options });
        jar.take(response.headers.getSetCookie());
        return response;
      },
    };
  }

  const world = {
    clock,
    provider,
    backend,
    servers,
    fetched,
    log,
    gateway,
    build,
    ask,
    askOrPass,
    visitor,
    responseHeaders,
    /** Signs in as Auth.js does; `account` goes over the provider's token response. */
    async signIn({ login = "ada", account = {}, home = gateway }: SignIn = {}): Promise<Visitor> {
      const granted = { provider: "oidc", ...provider.signIn(login), ...account };
      const own = claimsFromAccount(granted, clock.nowMs);
      return visitor({ sub: login, name: `User ${login}`, email: `${login}@example.test`, gateway: own }, home);
    },
    passSeconds(seconds: number): void {
      clock.nowMs += seconds * 1000;
    },
    /** Waits for the work that outlives responses. */
    async settled(): Promise<void> {
      while (background.length > 0) await background.shift();
    },
    events: (): string[] => log.map(({ event }) => event),
  };
  onTestFinished(() => {
    expect(violations).toEqual([]);
    expect(tokensIn(JSON.stringify(log), provider.issued)).toEqual([]);
    expect(tokensIn(responseHeaders.join("\n"), provider.issued)).toEqual([]);
  });
  return world;
}

interface SignIn {
  login?: string;
  account?: Record<string, unknown>;
  home?: AssembledGateway;
}

export function freshMemory(): ProcessMemory {
  return { checks: endedChecksMemory(), ledger: null };
}

/** Status and, for a problem, its code: `200`, `401 session_required`. */
export async function outcome(response: Response): Promise<string> {
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const code = isProblem ? ((await response.json()) as { code: string }).code : null;
  return code === null ? String(response.status) : `${response.status} ${code}`;
}

/** A promise and its release. */
export function gate(): { closed: Promise<void>; open: () => void } {
  let open = (): void => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

/** As fetch does: an abort ends the wait, whatever the server does. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
