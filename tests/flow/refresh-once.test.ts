import { describe, expect, test } from "vitest";
import { memoryLedger } from "@/edge";
import { parseCookies } from "@/edge/session/cookies";
import { removedNames, writtenNames } from "../support/edge-cookies";
import { sharedLedger } from "../support/edge-ledger";
import { invalidGrant } from "../support/edge-provider";
import { COOKIE, createWorld, freshMemory, gate, outcome, type Visitor } from "../support/edge-world";

const FIFTY = Array.from({ length: 50 }, (_, index) => index);

const generationOf = async (world: ReturnType<typeof createWorld>, visitor: Visitor): Promise<number | undefined> =>
  (await world.gateway.writer.codec.read(parseCookies(visitor.jar.header())))?.gateway.generation;

describe("an expired token", () => {
  test("costs 50 concurrent requests one grant, and all get 200", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const responses = await Promise.all(FIFTY.map((i) => ada.ask(`/backend/${i}`)));
    expect(responses.map(({ status }) => status)).toEqual(FIFTY.map(() => 200));
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([1, 1, 0]);
    const bearers = new Set(world.backend.calls.map(({ accessToken }) => accessToken));
    expect(bearers.size).toBe(1);
    expect(bearers.has(ada.claims.gateway.tokens?.accessToken ?? null)).toBe(false);
    expect(responses.map(writtenNames)).toEqual(FIFTY.map(() => [COOKIE]));
    expect(await generationOf(world, ada)).toBe(2);
  });

  test("costs two processes with a shared ledger one grant", async () => {
    const { engine } = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine } });
    const other = world.build({ memory: freshMemory() });
    const ada = await world.signIn();
    world.passSeconds(3600);
    const cookie = ada.jar.header();
    const responses = await Promise.all(
      FIFTY.map((i) => world.ask(`/backend/${i}`, { cookie, gateway: i % 2 ? other : world.gateway })),
    );
    expect(responses.map(({ status }) => status)).toEqual(FIFTY.map(() => 200));
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([1, 1, 0]);
  });

  test("lets the old cookie live on, as if every Set-Cookie had been lost", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    world.passSeconds(3600);
    await Promise.all(FIFTY.map((i) => world.ask(`/backend/${i}`, { cookie })));
    for (let i = 0; i < 5; i++) {
      const response = await world.ask("/backend/again", { cookie });
      expect([response.status, writtenNames(response)]).toEqual([200, [COOKIE]]);
      expect(world.provider.ownerOf(world.backend.last.accessToken ?? "")).toBe("ada");
    }
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([1, 1, 0]);
  });

  test("lets a cookie that slept through five generations live on", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const asleep = ada.jar.header();
    for (let i = 0; i < 5; i++) {
      world.passSeconds(3600);
      await ada.ask("/backend/orders");
    }
    expect((await world.ask("/backend/orders", { cookie: asleep })).status).toBe(200);
    expect(await generationOf(world, ada)).toBe(6);
    expect([world.provider.grants, world.provider.reuses]).toEqual([5, 0]);
  });

  test("never gives two users at once each other's token", async () => {
    const world = createWorld();
    const [ada, bob] = [await world.signIn({ login: "ada" }), await world.signIn({ login: "bob" })];
    world.passSeconds(3600);
    world.backend.respond = ({ accessToken }) => new Response(world.provider.ownerOf(accessToken ?? ""));
    const owners = FIFTY.map(async (i) => (await (i % 2 ? ada : bob).ask(`/backend/${i}`)).text());
    expect(await Promise.all(owners)).toEqual(FIFTY.map((i) => (i % 2 ? "ada" : "bob")));
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([2, 2, 0]);
  });

  test("comes with private, no-store on every response that sets the cookie", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.backend.respond = () => new Response("x", { headers: { "cache-control": "private, max-age=60" } });
    const response = await ada.ask("/backend/orders");
    expect(writtenNames(response)).toEqual([COOKIE]);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect((await ada.ask("/backend/orders")).headers.get("cache-control")).toBe("private, max-age=60");
  });
});

describe("a token that is due soon", () => {
  test("is used without waiting for the provider, and refreshed once beside 50 requests", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const old = ada.claims.gateway.tokens?.accessToken;
    const { closed, open } = gate();
    world.provider.gate = closed;
    world.passSeconds(3541);
    const responses = await Promise.all(FIFTY.map((i) => ada.ask(`/backend/${i}`)));
    expect(responses.map(({ status }) => status)).toEqual(FIFTY.map(() => 200));
    expect(new Set(world.backend.calls.map(({ accessToken }) => accessToken))).toEqual(new Set([old]));
    expect(responses.flatMap((response) => response.headers.getSetCookie())).toEqual([]);
    open();
    await world.settled();
    expect([world.provider.attempts, world.provider.grants]).toEqual([1, 1]);
    const next = await ada.ask("/backend/next");
    expect(writtenNames(next)).toEqual([COOKIE]);
    expect(world.backend.last.accessToken).not.toBe(old);
    expect((await ada.ask("/backend/third")).headers.getSetCookie()).toEqual([]);
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([1, 1, 0]);
  });

  test.each([
    [3600, 60],
    [60, 20],
    [30, 10],
  ])("with a life of %i s is due for its last %i s", async (lifetime, window) => {
    const world = createWorld();
    world.provider.accessTokenSeconds = lifetime;
    const ada = await world.signIn();
    world.passSeconds(lifetime - window - 1);
    await ada.ask("/backend/orders");
    await world.settled();
    expect(world.provider.attempts).toBe(0);
    world.passSeconds(1);
    await ada.ask("/backend/orders");
    await world.settled();
    expect(world.provider.attempts).toBe(1);
  });

  test("is refreshed earlier with a larger aheadSeconds", async () => {
    const world = createWorld({ config: { refresh: { aheadSeconds: 600 } } });
    const ada = await world.signIn();
    world.passSeconds(3000);
    await ada.ask("/backend/orders");
    await world.settled();
    expect(world.provider.grants).toBe(1);
  });
});

describe("invalid_grant", () => {
  test("ends the session: 401 session_expired for all, the cookie removed, one attempt", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    world.provider.failure = invalidGrant;
    world.passSeconds(3600);
    const responses = await Promise.all(FIFTY.map((i) => world.ask(`/backend/${i}`, { cookie })));
    expect(responses.map(removedNames)).toEqual(FIFTY.map(() => [COOKIE]));
    expect(await Promise.all(responses.map(outcome))).toEqual(FIFTY.map(() => "401 session_expired"));
    world.provider.failure = null;
    expect(await outcome(await world.ask("/backend/later", { cookie }))).toBe("401 session_expired");
    expect([world.provider.attempts, world.backend.calls.length]).toEqual([1, 0]);
  });

  test("removes each chunk of a large session", async () => {
    const world = createWorld();
    world.provider.accessTokenBytes = 6000;
    const ada = await world.signIn();
    const names = ada.jar.names();
    world.provider.failure = invalidGrant;
    world.passSeconds(3600);
    expect(removedNames(await ada.ask("/backend/orders"))).toEqual(names);
    expect(ada.jar.header()).toBe("");
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_required");
  });

  test("in the background ends the session with the next request", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.provider.failure = invalidGrant;
    world.passSeconds(3550);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    await world.settled();
    const response = await ada.ask("/backend/orders");
    expect(removedNames(response)).toEqual([COOKIE]);
    expect(await outcome(response)).toBe("401 session_expired");
    expect([world.provider.attempts, world.backend.calls.length]).toEqual([1, 1]);
  });

  test("is known in every process with a shared ledger, after one attempt", async () => {
    const { engine } = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine } });
    const ada = await world.signIn();
    world.provider.failure = invalidGrant;
    world.passSeconds(3600);
    const cookie = ada.jar.header();
    for (let i = 0; i < 3; i++) {
      const gateway = world.build({ memory: freshMemory() });
      expect(await outcome(await world.ask("/backend/orders", { cookie, gateway }))).toBe("401 session_expired");
    }
    expect(world.provider.attempts).toBe(1);
  });

  test("leaves the next sign-in of the same user alone", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.provider.failure = invalidGrant;
    world.passSeconds(3600);
    await ada.ask("/backend/orders");
    world.provider.failure = null;
    expect((await (await world.signIn()).ask("/backend/orders")).status).toBe(200);
  });
});
