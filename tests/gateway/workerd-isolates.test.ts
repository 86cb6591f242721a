import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../support/client.mjs";
import { startFakeBackend } from "../support/fake-backend.mjs";
import { startFakeProvider } from "../support/fake-provider.mjs";
import { openRequest } from "../support/raw-request.mjs";
import { startWorkerd } from "../support/workerd.mjs";
import { json, settingsFor, until } from "./world";

const ISOLATES = 10;

describe("ten isolates on one set of Durable Objects", () => {
  let provider: Awaited<ReturnType<typeof startFakeProvider>>;
  let backend: Awaited<ReturnType<typeof startFakeBackend>>;
  let workerd: Awaited<ReturnType<typeof startWorkerd>>;

  beforeAll(async () => {
    [provider, backend] = await Promise.all([startFakeProvider(), startFakeBackend()]);
    const vars = settingsFor({ issuer: provider.issuer, backendUrl: backend.url });
    workerd = await startWorkerd({ vars, isolates: ISOLATES });
  });
  afterAll(async () => {
    await workerd.stop();
    await Promise.all([provider.close(), backend.close()]);
  });
  beforeEach(() => {
    Object.assign(provider.state, { mode: "ok", gate: null, grants: 0, attempts: 0, reuses: 0, revoked: [] });
    backend.state.seen.length = 0;
  });

  async function signedIn(accessTokenSeconds = 3600): Promise<ReturnType<typeof createClient>> {
    const user = createClient(workerd.origin);
    provider.state.accessTokenSeconds = accessTokenSeconds;
    await user.signIn({ callbackUrl: "/api/auth/csrf" });
    provider.state.accessTokenSeconds = 3600;
    return user;
  }
  async function expired(): Promise<string> {
    const user = await signedIn(1);
    const endMs = Date.now() + 1000;
    await until(() => Date.now() > endMs);
    return user.sessionCookie();
  }
  const headersWith = (cookie: string) => ({ cookie, "x-gateway-request": "1" });
  const ask = (origin: string, cookie: string): Promise<Response> =>
    fetch(`${origin}/backend/x`, { headers: headersWith(cookie) });

  /** A request whose refresh has reached the provider, which answers it on `release`. */
  async function callerInMidGrant(cookie: string): Promise<{ leave: () => void; release: () => void }> {
    let release = (): void => {};
    provider.state.gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const port = Number(new URL(workerd.origin).port);
    const leave = openRequest({ port, path: "/backend/gone", headers: headersWith(cookie) });
    await until(() => provider.state.attempts === 1);
    return { leave, release: () => release() };
  }

  it("send one grant for a thousand requests at once", async () => {
    const cookie = await expired();
    const requests = workerd.origins.flatMap((origin) => Array.from({ length: 100 }, () => ask(origin, cookie)));
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses).toEqual(Array(1000).fill(200));
    expect(provider.state).toMatchObject({ attempts: 1, grants: 1, reuses: 0 });
    expect(new Set(backend.state.seen.map(({ bearer }) => bearer)).size).toBe(1);
  });

  it("finish a refresh whose caller went away, and let nobody else hang", async () => {
    const cookie = await expired();
    const { leave, release } = await callerInMidGrant(cookie);
    const others = workerd.origins.map((origin) => ask(origin, cookie));
    leave();
    release();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(Array(ISOLATES).fill(200));
    expect(provider.state).toMatchObject({ attempts: 1, grants: 1, reuses: 0 });
  });

  it("keep a session whose only caller went away in mid-grant", async () => {
    const cookie = await expired();
    const { leave, release } = await callerInMidGrant(cookie);
    leave();
    release();
    await until(() => provider.state.grants === 1);
    expect((await ask(workerd.origins[3], cookie)).status).toBe(200);
    expect(provider.state).toMatchObject({ attempts: 1, grants: 1, reuses: 0 });
  });

  it("know of a sign-out in another isolate when they first have to ask", async () => {
    const user = await signedIn();
    const cookie = user.sessionCookie();
    await user.signOut();
    for (const origin of workerd.origins) expect((await ask(origin, cookie)).status).toBe(401);
    expect(backend.state.seen).toEqual([]);
    expect(provider.state.revoked).toHaveLength(1);
  });

  it("keep every session when the whole of workerd is killed and comes back", async () => {
    const cookie = await expired();
    expect((await ask(workerd.origin, cookie)).status).toBe(200);
    await workerd.kill();
    expect((await ask(workerd.origin, cookie)).status).toBe(200);
    expect(provider.state).toMatchObject({ grants: 1, reuses: 0 });
  });
});

describe("a deployment without its binding", () => {
  it("answers 503 everywhere, and names it", async () => {
    const vars = settingsFor({ issuer: "http://127.0.0.1:9", backendUrl: "http://127.0.0.1:9" });
    const workerd = await startWorkerd({ vars, bindLedger: false });
    try {
      for (const path of ["/", "/backend/x", "/api/auth/session"]) {
        const response = await fetch(`${workerd.origin}${path}`);
        expect(response.status).toBe(503);
        expect((await json(response)).detail).toContain("SESSION_LEDGER");
      }
    } finally {
      await workerd.stop();
    }
  });
});
