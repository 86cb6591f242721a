import { describe, expect, test } from "vitest";
import { memoryLedger } from "@/edge";
import { parseCookies } from "@/edge/session/cookies";
import { removedNames } from "../support/edge-cookies";
import { sharedLedger } from "../support/edge-ledger";
import { COOKIE, createWorld, freshMemory, outcome } from "../support/edge-world";

/** A world whose cookies have room for so many bytes, beside a shared ledger. */
function worldWith(cookieBudgetBytes: number) {
  const shared = sharedLedger(memoryLedger());
  const world = createWorld({ config: { ledger: shared.engine, session: { cookieBudgetBytes } } });
  const gatewayClaims = async (cookie: string) =>
    (await world.gateway.writer.codec.read(parseCookies(cookie)))?.gateway;
  return { world, shared, gatewayClaims };
}

describe("with a budget of 0 the cookie holds no token", () => {
  test("and the ledger's goes to the backend, in every process", async () => {
    const { world, gatewayClaims } = worldWith(0);
    const ada = await world.signIn();
    expect(await gatewayClaims(ada.jar.header())).toEqual({ ...ada.claims.gateway, tokens: null });
    const elsewhere = world.build({ memory: freshMemory() });
    for (const gateway of [world.gateway, elsewhere]) {
      expect((await ada.ask("/backend/orders", { gateway })).status).toBe(200);
      expect(world.backend.last.accessToken).toBe(ada.claims.gateway.tokens?.accessToken);
    }
  });

  test("and 50 requests with an expired one cost one grant", async () => {
    const { world, gatewayClaims } = worldWith(0);
    const ada = await world.signIn();
    const old = ada.jar.header();
    world.passSeconds(3600);
    const responses = await Promise.all(Array.from({ length: 50 }, () => ada.ask("/backend/orders")));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(await gatewayClaims(ada.jar.header())).toMatchObject({ generation: 2, tokens: null });
    expect((await world.ask("/backend/orders", { cookie: old })).status).toBe(200);
    expect([world.provider.grants, world.provider.reuses]).toEqual([1, 0]);
  });

  test("and the session is 503 while the ledger is down, and lives when it is back", async () => {
    const { world, shared } = worldWith(0);
    const ada = await world.signIn();
    shared.state.isDown = true;
    const response = await ada.ask("/backend/orders");
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await outcome(response)).toBe("503 ledger_unavailable");
    expect(world.backend.calls).toEqual([]);
    shared.state.isDown = false;
    expect((await ada.ask("/backend/orders")).status).toBe(200);
  });

  test("and the session is over when the ledger has lost it", async () => {
    const { world } = worldWith(0);
    const ada = await world.signIn();
    const lost = sharedLedger(memoryLedger());
    const gateway = world.build({ config: { ledger: lost.engine, session: { cookieBudgetBytes: 0 } } });
    const response = await ada.ask("/backend/orders", { gateway });
    expect(removedNames(response)).toEqual([COOKIE]);
    expect(await outcome(response)).toBe("401 session_expired");
    expect(world.backend.calls).toEqual([]);
  });

  test("and a sign-out revokes the ledger's refresh token", async () => {
    const { world, gatewayClaims } = worldWith(0);
    const ada = await world.signIn();
    const claims = await gatewayClaims(ada.jar.header());
    if (claims) await world.gateway.signOut(claims);
    expect(world.provider.revoked).toEqual([ada.claims.gateway.tokens?.refreshToken]);
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  });

  test("and a sign-in while the ledger is down is refused", async () => {
    const { world, shared } = worldWith(0);
    shared.state.isDown = true;
    await expect(world.signIn()).rejects.toThrow("ledger could not keep a session");
  });
});

describe("a token set above the budget", () => {
  test.each([
    [200, true],
    [6000, false],
  ])("of %i bytes: in the cookie %s", async (bytes, isInCookie) => {
    const { world, gatewayClaims } = worldWith(4096);
    world.provider.accessTokenBytes = bytes;
    const ada = await world.signIn();
    expect((await gatewayClaims(ada.jar.header()))?.tokens !== null).toBe(isInCookie);
    expect(ada.jar.names()).toEqual([COOKIE]);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.backend.last.accessToken).toHaveLength(bytes);
  });

  test("moves to the ledger at a refresh, and back", async () => {
    const { world, gatewayClaims } = worldWith(4096);
    const ada = await world.signIn();
    for (const [bytes, isInCookie] of [
      [6000, false],
      [200, true],
      [6000, false],
    ] as const) {
      world.provider.accessTokenBytes = bytes;
      world.passSeconds(3600);
      expect((await ada.ask("/backend/orders")).status).toBe(200);
      expect((await gatewayClaims(ada.jar.header()))?.tokens !== null).toBe(isInCookie);
      expect((await ada.ask("/backend/orders")).status).toBe(200);
      expect(world.backend.last.accessToken).toHaveLength(bytes);
    }
    expect([world.provider.grants, world.provider.reuses]).toEqual([3, 0]);
  });

  test("by default is one above 8192 bytes", async () => {
    const shared = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: shared.engine } });
    world.provider.accessTokenBytes = 3500;
    expect((await world.signIn()).jar.names().length).toBe(2);
    world.provider.accessTokenBytes = 6500;
    expect((await world.signIn()).jar.names().length).toBe(1);
  });
});
