import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../support/client.mjs";
import { startFakeBackend } from "../support/fake-backend.mjs";
import { startFakeProvider } from "../support/fake-provider.mjs";
import { startNext } from "../support/next-host.mjs";
import { startRedis, startRedisRest } from "../support/redis-rest.mjs";
import { json, type RunningHost, settingsFor, until } from "./world";

const PROCESSES = 10;
const TOKEN = "redis-rest-token";
/** `createGateway`'s lease for the default refresh timeout: after it a dead holder is replaced. */
const LEASE_MS = 15_000;

/** Ten `next start` processes that share nothing but a real Redis behind its REST front. */
describe("ten next start processes on one Redis", () => {
  let provider: Awaited<ReturnType<typeof startFakeProvider>>;
  let backend: Awaited<ReturnType<typeof startFakeBackend>>;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let rest: Awaited<ReturnType<typeof startRedisRest>>;
  let apps: RunningHost[];
  const start = (AUTH_URL?: string): Promise<RunningHost> => {
    const urls = { issuer: provider.issuer, backendUrl: backend.url };
    const store = { UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: TOKEN };
    return startNext({ ...settingsFor(urls), ...store, ...(AUTH_URL && { AUTH_URL }) });
  };

  beforeAll(async () => {
    [provider, backend, redis] = await Promise.all([startFakeProvider(), startFakeBackend(), startRedis()]);
    rest = await startRedisRest({ redis, token: TOKEN });
    const first = await start();
    const others = await Promise.all(Array.from({ length: PROCESSES - 1 }, () => start(first.origin)));
    apps = [first, ...others];
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.stop()));
    await Promise.all([provider.close(), backend.close(), rest.stop()]);
    await redis.close();
  });
  beforeEach(() => {
    Object.assign(provider.state, {
      mode: "ok",
      gate: null,
      grants: 0,
      attempts: 0,
      reuses: 0,
      accessTokenSeconds: 3600,
    });
    backend.state.seen.length = 0;
  });

  /** A user of all the processes: they have one AUTH_URL and one secret. */
  async function signedIn(accessTokenSeconds = 3600): Promise<ReturnType<typeof createClient>> {
    const user = createClient(apps[0].origin);
    provider.state.accessTokenSeconds = accessTokenSeconds;
    // Lands where no token is looked at: a page would refresh a short one that is due by then.
    await user.signIn({ callbackUrl: "/api/auth/csrf" });
    provider.state.accessTokenSeconds = 3600;
    return user;
  }

  /** The cookie of a user whose access token has expired. */
  async function expired(): Promise<string> {
    const user = await signedIn(1);
    const endMs = Date.now() + 1000;
    await until(() => Date.now() > endMs);
    return user.sessionCookie();
  }
  const ask = (app: RunningHost, cookie: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${app.port}/backend/x`, { headers: { cookie, "x-gateway-request": "1" } });

  it("send one grant for a thousand requests at once", async () => {
    const cookie = await expired();
    const requests = apps.flatMap((app) => Array.from({ length: 100 }, () => ask(app, cookie)));
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses).toEqual(Array(1000).fill(200));
    expect(provider.state).toMatchObject({ attempts: 1, grants: 1, reuses: 0 });
    expect(new Set(backend.state.seen.map(({ bearer }) => bearer)).size).toBe(1);
  });

  it("call neither Redis nor the provider for a token that is not due, once a session was looked up", async () => {
    const cookie = (await signedIn()).sessionCookie();
    await ask(apps[1], cookie);
    const calls = rest.calls;
    for (let i = 0; i < 10; i++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(apps[1], cookie)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
    }
    expect(rest.calls - calls).toBe(0);
    expect(provider.state.attempts).toBe(0);
  });

  it("know of a sign-out in another process when they have to ask", async () => {
    const user = await signedIn();
    const cookie = user.sessionCookie();
    await user.signOut();
    for (const app of apps) expect((await ask(app, cookie)).status).toBe(401);
    expect(backend.state.seen).toEqual([]);
  });

  it("replace a holder that is killed before its grant arrives", async () => {
    const cookie = await expired();
    const victim = await start(apps[0].origin);
    provider.state.gate = new Promise<void>(() => {});
    void ask(victim, cookie).catch(() => {});
    await until(() => provider.state.attempts === 1);
    await victim.stop();
    provider.state.gate = null;
    const startedMs = Date.now();
    expect((await ask(apps[1], cookie)).status).toBe(200);
    expect(Date.now() - startedMs).toBeLessThan(LEASE_MS + 2_000);
    expect(provider.state).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("keep a session whose holder is killed after its grant was recorded", async () => {
    const cookie = await expired();
    const victim = await start(apps[0].origin);
    backend.state.respond = () => {};
    void ask(victim, cookie).catch(() => {});
    // It forwards only once the grant stands in Redis.
    await until(() => backend.state.seen.length === 1);
    await victim.stop();
    backend.state.respond = null;
    expect((await ask(apps[2], cookie)).status).toBe(200);
    expect(provider.state).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("end the session only by the provider's word when the holder died between grant and record", async () => {
    const cookie = await expired();
    const victim = await start(apps[0].origin);
    provider.state.mode = "spend_and_hold";
    void ask(victim, cookie).catch(() => {});
    await until(() => provider.state.grants === 1);
    await victim.stop();
    provider.state.mode = "ok";
    const response = await ask(apps[3], cookie);
    expect([response.status, (await json(response)).code]).toEqual([401, "session_expired"]);
    expect(provider.state).toMatchObject({ attempts: 2, grants: 1, reuses: 1 });
  });

  it.each([
    ["answers slowly", () => Object.assign(rest.controls, { delayMs: 4_000 })],
    ["answers with errors", () => Object.assign(rest.controls, { failStatus: 500 })],
    ["refuses the token", () => Object.assign(rest.controls, { failStatus: 401 })],
  ])("serve valid tokens and keep expired sessions while Redis %s", async (_how, breakRedis) => {
    const cookie = await expired();
    const valid = (await signedIn()).sessionCookie();
    breakRedis();
    try {
      expect((await ask(apps[4], valid)).status).toBe(200);
      const response = await ask(apps[4], cookie);
      expect([response.status, (await json(response)).code]).toEqual([503, "ledger_unavailable"]);
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(provider.state.attempts).toBe(0);
    } finally {
      Object.assign(rest.controls, { delayMs: 0, failStatus: null });
    }
    expect((await ask(apps[4], cookie)).status).toBe(200);
  });

  it("let every session live on when Redis restarts empty", async () => {
    const cookie = await expired();
    const refreshed = await ask(apps[5], cookie);
    const newest = refreshed.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    await redis.restartEmpty();
    expect((await ask(apps[6], newest)).status).toBe(200);
    expect(provider.state).toMatchObject({ grants: 1, reuses: 0 });
  });
});
