import { describe, expect, test } from "vitest";
import { memoryLedger } from "@/edge";
import { countingLedger, sharedLedger } from "../support/edge-ledger";
import { createWorld, freshMemory, outcome } from "../support/edge-world";

describe("a fresh token", () => {
  test("goes to the backend as the bearer", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const response = await ada.ask("/backend/orders?x=1&x=2");
    expect(await response.json()).toEqual({ ok: true });
    expect(world.backend.last.target).toBe("/v1/orders?x=1&x=2");
    expect(world.backend.last.accessToken).toBe(ada.claims.gateway.tokens?.accessToken);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test("costs no ledger and no provider call over 1,000 requests with on-refresh checks", async () => {
    const { engine, counts } = countingLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine, endedCheck: "on-refresh" } });
    const ada = await world.signIn();
    for (let i = 0; i < 1000; i++) expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(counts).toEqual({ read: 0, advance: 0, keep: 0, end: 0 });
    expect(world.fetched.filter((call) => call.includes("provider.test"))).toEqual([]);
    expect(world.backend.calls.length).toBe(1000);
  }, 20_000);

  test("is read once in each window of everySeconds", async () => {
    const { engine, counts } = countingLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine, endedCheck: { everySeconds: 30 } } });
    const ada = await world.signIn();
    for (let i = 0; i < 10; i++) await ada.ask("/backend/orders");
    expect(counts.read).toBe(1);
    world.passSeconds(29);
    await ada.ask("/backend/orders");
    expect(counts.read).toBe(1);
    world.passSeconds(1);
    await ada.ask("/backend/orders");
    expect(counts.read).toBe(2);
  });

  test("is read at each request with the memory ledger's default", async () => {
    const { engine, counts } = countingLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine } });
    const ada = await world.signIn();
    for (let i = 0; i < 10; i++) await ada.ask("/backend/orders");
    expect(counts).toEqual({ read: 10, advance: 0, keep: 0, end: 0 });
  });

  test("is read once in 30 s with a shared ledger's default", async () => {
    const { engine, counts } = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine } });
    const ada = await world.signIn();
    for (let i = 0; i < 10; i++) await ada.ask("/backend/orders");
    world.passSeconds(29);
    await ada.ask("/backend/orders");
    expect(counts.read).toBe(1);
    world.passSeconds(1);
    await ada.ask("/backend/orders");
    expect(counts.read).toBe(2);
  });
});

describe("a token without an end", () => {
  test("is used for years, and never refreshed for its age", async () => {
    const world = createWorld({ config: { session: { maxAgeSeconds: 10 * 365 * 86_400 } } });
    const ada = await world.signIn({ account: { expires_in: undefined } });
    world.passSeconds(5 * 365 * 86_400);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    await world.settled();
    expect(world.fetched).toEqual(["GET https://api.test/v1/orders"]);
  });

  test("is refreshed when the backend refuses it", async () => {
    const world = createWorld();
    const ada = await world.signIn({ account: { expires_in: undefined } });
    const old = ada.claims.gateway.tokens?.accessToken;
    world.backend.respond = ({ accessToken }) => new Response(null, { status: accessToken === old ? 401 : 200 });
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.provider.grants).toBe(1);
  });
});

describe("without a refresh token", () => {
  const noRefreshToken = { refresh_token: undefined };

  test("a token that is due is used to its end", async () => {
    const world = createWorld();
    const ada = await world.signIn({ account: noRefreshToken });
    world.passSeconds(3599);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    await world.settled();
    expect(world.fetched).toEqual(["GET https://api.test/v1/orders"]);
  });

  test("an expired token is 401 session_expired and the cookie stays", async () => {
    const world = createWorld();
    const ada = await world.signIn({ account: noRefreshToken });
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders");
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await outcome(response)).toBe("401 session_expired");
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([0, 0]);
  });

  test("the backend's 401 stands", async () => {
    const world = createWorld();
    const ada = await world.signIn({ account: noRefreshToken });
    world.backend.respond = () => new Response("who?", { status: 401 });
    expect(await (await ada.ask("/backend/orders")).text()).toBe("who?");
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([1, 0]);
  });
});

describe("a shared ledger that is down", () => {
  const downWorld = async () => {
    const shared = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: shared.engine } });
    const ada = await world.signIn();
    shared.state.isDown = true;
    return { world, ada, shared };
  };

  test.each([
    ["fresh", 0],
    ["due soon", 3550],
  ])("does not stop a token that is %s", async (_, seconds) => {
    const { world, ada } = await downWorld();
    world.passSeconds(seconds);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    await world.settled();
    expect(world.provider.attempts).toBe(0);
  });

  test("makes an expired token 503 ledger_unavailable, and the same cookie works when it is back", async () => {
    const { world, ada, shared } = await downWorld();
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders");
    expect(response.headers.get("retry-after")).toBe("2");
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await outcome(response)).toBe("503 ledger_unavailable");
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([0, 0]);
    // One call and the refusal: a store that is down is not asked a second time.
    expect(world.events()).toEqual(["ledger_unavailable", "ledger_unavailable"]);
    shared.state.isDown = false;
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.provider.grants).toBe(1);
  });

  test("makes a sign-out loud in the log, and final here", async () => {
    const { world, ada } = await downWorld();
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.events()).toContain("sign_out_not_shared");
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  });
});

test("a sign-out in another process is noticed within everySeconds", async () => {
  const shared = sharedLedger(memoryLedger());
  const world = createWorld({ config: { ledger: shared.engine, endedCheck: { everySeconds: 30 } } });
  const elsewhere = world.build({ memory: freshMemory() });
  const ada = await world.signIn();
  expect((await ada.ask("/backend/orders")).status).toBe(200);
  await elsewhere.signOut(ada.claims.gateway);
  world.passSeconds(29);
  expect((await ada.ask("/backend/orders")).status).toBe(200);
  world.passSeconds(1);
  expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  expect(world.backend.calls.length).toBe(2);
});

test("a sign-out in another process is final for as long as the cookie can come back", async () => {
  const shared = sharedLedger(memoryLedger());
  const world = createWorld({ config: { ledger: shared.engine } });
  const ada = await world.signIn();
  const cookie = ada.jar.header();
  await world.build({ memory: freshMemory() }).signOut(ada.claims.gateway);
  for (const days of [0, 10, 19]) {
    world.passSeconds(days * 86_400);
    const gateway = world.build({ memory: freshMemory() });
    expect(await outcome(await world.ask("/backend/orders", { cookie, gateway }))).toBe("401 session_expired");
  }
  expect([world.provider.attempts, world.backend.calls.length]).toEqual([0, 0]);
});
