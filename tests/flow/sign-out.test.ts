import { describe, expect, test } from "vitest";
import { parseCookies } from "@/edge/session/cookies";
import { removedNames, writtenNames } from "../support/edge-cookies";
import { json } from "../support/edge-provider";
import { COOKIE, createWorld, gate, outcome } from "../support/edge-world";

describe("sign-out", () => {
  test("sticks: the old cookie gets 401 ever after, and loses the cookie", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    await world.gateway.signOut(ada.claims.gateway);
    for (const seconds of [0, 3600, 29 * 86_400 - 3600]) {
      world.passSeconds(seconds);
      const response = await world.ask("/backend/orders", { cookie });
      expect(removedNames(response)).toEqual([COOKIE]);
      expect(await outcome(response)).toBe("401 session_expired");
    }
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([0, 0]);
  });

  test("revokes the refresh token of the cookie, authenticated, once", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.provider.revoked).toEqual([ada.claims.gateway.tokens?.refreshToken]);
    const [call] = world.provider.callsTo("/revoke");
    expect(call?.params.get("token_type_hint")).toBe("refresh_token");
    expect(call?.authorization).toBe(`Basic ${btoa("app:app-secret")}`);
  });

  test("with an old cookie revokes the newest refresh token", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    await ada.ask("/backend/orders");
    const newest = (await world.gateway.writer.codec.read(parseCookies(ada.jar.header())))?.gateway.tokens;
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.provider.revoked).toEqual([newest?.refreshToken]);
    expect(newest?.refreshToken).not.toBe(ada.claims.gateway.tokens?.refreshToken);
  });

  test("of one user leaves the other in", async () => {
    const world = createWorld();
    const [ada, bob] = [await world.signIn({ login: "ada" }), await world.signIn({ login: "bob" })];
    await world.gateway.signOut(ada.claims.gateway);
    expect((await bob.ask("/backend/orders")).status).toBe(200);
  });

  test("holds when the provider can't revoke, and says so in the log", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.provider.clientSecret = "changed-since";
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.events()).toContain("revocation_failed");
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  });

  test("holds at a provider without a revocation endpoint, and is quiet about it", async () => {
    const world = createWorld();
    world.provider.metadata = { revocation_endpoint: undefined };
    const ada = await world.signIn();
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.log).toEqual([]);
    expect(world.provider.calls).toEqual([]);
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  });

  test("holds for a session without a refresh token", async () => {
    const world = createWorld();
    const ada = await world.signIn({ account: { refresh_token: undefined } });
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.fetched).toEqual([]);
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_expired");
  });
});

describe("a slow request over a sign-out", () => {
  test("removes the cookie instead of setting it again", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const { closed, open } = gate();
    const arrived = gate();
    world.backend.respond = async () => {
      arrived.open();
      await closed;
      return json(200, { slow: true });
    };
    const slow = ada.ask("/backend/slow");
    await arrived.closed;
    await world.gateway.signOut(ada.claims.gateway);
    open();
    const response = await slow;
    expect([response.status, writtenNames(response), removedNames(response)]).toEqual([200, [], [COOKIE]]);
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("401 session_required");
  });

  test("without a new token sets nothing", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { closed, open } = gate();
    const arrived = gate();
    world.backend.respond = async () => {
      arrived.open();
      await closed;
      return json(200, {});
    };
    const slow = ada.ask("/backend/slow");
    await arrived.closed;
    await world.gateway.signOut(ada.claims.gateway);
    open();
    expect(writtenNames(await slow)).toEqual([]);
  });

  test("while its refresh is in flight: nobody gets the new tokens, and they are revoked", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const { closed, open } = gate();
    world.provider.gate = closed;
    const waiting = Array.from({ length: 10 }, () => ada.ask("/backend/orders"));
    await expect.poll(() => world.provider.attempts).toBe(1);
    await world.gateway.signOut(ada.claims.gateway);
    // The revocation above ended the grant; this provider is slow to see it.
    world.provider.revive(ada.claims.gateway.tokens?.refreshToken ?? "");
    open();
    const responses = await Promise.all(waiting);
    expect(responses.map(removedNames)).toEqual(waiting.map(() => [COOKIE]));
    expect(await Promise.all(responses.map(outcome))).toEqual(waiting.map(() => "401 session_expired"));
    expect([world.backend.calls.length, world.provider.grants]).toEqual([0, 1]);
    const [granted] = [...world.provider.issued].slice(-1);
    await expect.poll(() => world.provider.revoked).toEqual([ada.claims.gateway.tokens?.refreshToken, granted]);
  });
});
