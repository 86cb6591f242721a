import { decode, encode } from "@auth/core/jwt";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { COOKIE, createWorld, outcome, SECRET } from "../support/edge-world";

const OTHER_SECRET = "another-secret-of-more-than-thirty-two-chars";
const LOOPBACK = { AUTH_URL: "http://localhost:3000" };

const styles: [string, string, Record<string, string>][] = [
  ["https", COOKIE, {}],
  ["http loopback", "authjs.session-token", LOOPBACK],
];

describe.each(styles)("on %s", (_, salt, env) => {
  test("stock Auth.js reads our cookie", async () => {
    const world = createWorld({ env });
    world.clock.nowMs = Date.now();
    const ada = await world.signIn();
    const claims = await decode({ token: ada.jar.value(), secret: SECRET, salt });
    expect(claims).toMatchObject({ sub: "ada", name: "User ada", gateway: { ...ada.claims.gateway } });
    expect(Number(claims?.exp) - Number(claims?.iat)).toBe(30 * 86_400);
  });

  test("we read stock Auth.js's cookie", async () => {
    const world = createWorld({ env });
    world.clock.nowMs = Date.now();
    const { claims } = await world.signIn();
    const cookie = `${salt}=${await encode({ token: claims, secret: SECRET, salt })}`;
    expect((await world.ask("/backend/orders", { cookie })).status).toBe(200);
    expect(world.backend.last.accessToken).toBe(claims.gateway.tokens?.accessToken);
  });

  test("the cookie's name is the salt: the other style's cookie opens nothing", async () => {
    const world = createWorld({ env });
    world.clock.nowMs = Date.now();
    const { claims } = await world.signIn();
    const otherSalt = salt === COOKIE ? "authjs.session-token" : COOKIE;
    const sealed = await encode({ token: claims, secret: SECRET, salt: otherSalt });
    for (const name of [salt, otherSalt]) {
      expect(await outcome(await world.ask("/backend/orders", { cookie: `${name}=${sealed}` }))).toBe(
        "401 session_required",
      );
    }
  });
});

test("a key is derived once a secret, not once a request", async () => {
  const derivations = vi.spyOn(crypto.subtle, "deriveBits");
  onTestFinished(() => derivations.mockRestore());
  const world = createWorld({ env: { AUTH_SECRET_1: OTHER_SECRET } });
  const ada = await world.signIn();
  for (let i = 0; i < 20; i++) await ada.ask("/backend/orders");
  world.passSeconds(3600);
  await Promise.all(Array.from({ length: 20 }, () => ada.ask("/backend/orders")));
  expect(derivations).toHaveBeenCalledTimes(2);
});

describe("rotation of secrets", () => {
  test("opens with the old secret, seals with the new one, and forgets the removed one", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const old = ada.jar.header();
    const rotated = world.build({ env: { AUTH_SECRET: OTHER_SECRET, AUTH_SECRET_1: SECRET } });
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders", { gateway: rotated })).status).toBe(200);
    expect(ada.jar.header()).not.toBe(old);
    const moved = world.build({ env: { AUTH_SECRET: OTHER_SECRET } });
    expect((await world.ask("/backend/orders", { cookie: ada.jar.header(), gateway: moved })).status).toBe(200);
    expect(await outcome(await world.ask("/backend/orders", { cookie: old, gateway: moved }))).toBe(
      "401 session_required",
    );
  });

  test("takes the ninth old secret too", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const env = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`AUTH_SECRET_${i + 1}`, OTHER_SECRET + i]));
    const gateway = world.build({ env: { AUTH_SECRET: OTHER_SECRET, ...env, AUTH_SECRET_9: SECRET } });
    expect((await ada.ask("/backend/orders", { gateway })).status).toBe(200);
  });
});
