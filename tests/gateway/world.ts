import { createClient } from "../support/client.mjs";
import { startFakeBackend } from "../support/fake-backend.mjs";
import { startFakeProvider } from "../support/fake-provider.mjs";

/** A host that the gateway suite runs on, unchanged: `next start`, workerd. */
export interface HostUnderTest {
  name: string;
  /** The largest body that it hands over whole, bytes; null when it streams. */
  bodyLimitBytes: number | null;
  /** Whether it forwards WebSocket upgrades. */
  forwardsUpgrades: boolean;
  /** Header names that its own fetch adds on the way to a backend; `docs/backends.md` lists them. */
  transportHeaders: readonly string[];
  /** Whether a request's raw path reaches the gateway, dot segments and all. */
  seesRawPaths: boolean;
  /** Has settings that can't work end the start, or answers 503 everywhere? Resolves when either is known. */
  start(env: Record<string, string | undefined>): Promise<RunningHost>;
}

export interface RunningHost {
  origin: string;
  port: number;
  /** Everything it printed. */
  log(): string;
  /** True when it ended by itself. */
  hasExited(): boolean;
  /** Its peak resident memory so far, MiB. */
  peakMemoryMib(): number;
  stop(): Promise<void>;
}

export type Client = ReturnType<typeof createClient>;
export type World = Awaited<ReturnType<typeof createWorld>>;

export const SECRET = "gateway-suite-secret-gateway-suite-secret";

/** The settings of an app on this provider and backend. */
export function settingsFor(urls: { issuer: string; backendUrl: string }): Record<string, string> {
  return {
    AUTH_SECRET: SECRET,
    AUTH_OIDC_ISSUER: urls.issuer,
    AUTH_OIDC_ID: "app",
    AUTH_OIDC_SECRET: "app-secret",
    BACKEND_URL: `${urls.backendUrl}/base`,
  };
}

/** A running app with a strict provider and a watching backend; only those two are fakes, over real sockets. */
export async function createWorld(host: HostUnderTest, env: Record<string, string> = {}) {
  const provider = await startFakeProvider();
  const backend = await startFakeBackend();
  const app = await host.start({ ...settingsFor({ issuer: provider.issuer, backendUrl: backend.url }), ...env });
  const clients: Client[] = [];
  const client = (): Client => {
    const created = createClient(app.origin);
    clients.push(created);
    return created;
  };

  /** A user who has just signed in. */
  async function signedIn({ accessTokenSeconds = 3600, login = "ada" } = {}): Promise<Client> {
    const user = client();
    const before = { ...provider.state };
    Object.assign(provider.state, { accessTokenSeconds, login });
    // Lands where no token is looked at: a page would refresh a short one that is due by then.
    const { response } = await user.signIn({ callbackUrl: "/api/auth/csrf" });
    provider.state.accessTokenSeconds = before.accessTokenSeconds;
    if (response.status !== 200) throw new Error(`sign-in ended with ${response.status}\n${app.log()}`);
    return user;
  }

  /** A user whose access token has expired by now; nothing has asked for the session in between. */
  async function expired(options: { login?: string } = {}): Promise<Client> {
    const user = await signedIn({ accessTokenSeconds: 1, ...options });
    const endMs = Date.now() + 1000;
    await until(() => Date.now() > endMs);
    return user;
  }

  /** Everything as it was before the first test. */
  function reset(): void {
    Object.assign(provider.state, {
      accessTokenSeconds: 3600,
      accessTokenBytes: 200,
      mode: "ok",
      delayMs: 0,
      gate: null,
      grants: 0,
      attempts: 0,
      reuses: 0,
      revoked: [],
      override: undefined,
      login: "ada",
    });
    Object.assign(backend.state, { seen: [], respond: null, aborted: 0 });
  }

  async function close(): Promise<void> {
    await app.stop();
    await Promise.all([provider.close(), backend.close()]);
  }

  return { host, app, provider, backend, clients, client, signedIn, expired, reset, close };
}

/** Waits for a condition, at most ten seconds; the condition's own failure is the test's. */
export async function until(condition: () => unknown, { timeoutMs = 10_000 } = {}): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`never true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The JSON of a response; a problem's `code` is what most tests look at. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
export async function json(response: Response): Promise<any> {
  return response.json();
}
