import { describe, expect, test } from "vitest";
import { setCookieLines } from "@/edge/session/cookies";
import { parseSetCookie, removedNames, writtenNames } from "../support/edge-cookies";
import { COOKIE, createWorld, type WorldOptions } from "../support/edge-world";

const LOOPBACK = { AUTH_URL: "http://localhost:3000" };
const MONTH = 30 * 86_400;

/** The response that carries the next generation of a new session. */
async function refreshed(options: WorldOptions = {}) {
  const world = createWorld(options);
  const ada = await world.signIn();
  world.passSeconds(3600);
  return { world, ada, response: await ada.ask("/backend/orders") };
}

describe("the session cookie", () => {
  const styles: [string, WorldOptions, string, string[]][] = [
    ["https", {}, COOKIE, ["Path=/", `Max-Age=${MONTH}`, "HttpOnly", "Secure", "SameSite=Lax"]],
    [
      "https, strict",
      { config: { session: { sameSite: "strict" } } },
      COOKIE,
      ["Path=/", `Max-Age=${MONTH}`, "HttpOnly", "Secure", "SameSite=Strict"],
    ],
    [
      "http loopback",
      { env: LOOPBACK },
      "authjs.session-token",
      ["Path=/", `Max-Age=${MONTH}`, "HttpOnly", "SameSite=Lax"],
    ],
    [
      "http loopback, one hour",
      { env: LOOPBACK, config: { session: { maxAgeSeconds: 7200 } } },
      "authjs.session-token",
      ["Path=/", "Max-Age=7200", "HttpOnly", "SameSite=Lax"],
    ],
  ];
  test.each(styles)("has its name and exactly its attributes on %s", async (_, options, name, attributes) => {
    const { response } = await refreshed(options);
    expect(response.headers.getSetCookie().map(parseSetCookie)).toEqual([
      { name, value: expect.stringMatching(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/), attributes },
    ]);
  });

  test("is removed with the same attributes", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    await world.gateway.signOut(ada.claims.gateway);
    expect((await ada.ask("/backend/orders")).headers.getSetCookie()).toEqual([
      `${COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`,
    ]);
  });

  test("does not outlive maxAgeSeconds, and a refresh renews it", async () => {
    const world = createWorld({ config: { session: { maxAgeSeconds: 7200 } } });
    const ada = await world.signIn();
    const old = ada.jar.header();
    world.passSeconds(7000);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    world.passSeconds(7000);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect((await world.ask("/backend/orders", { cookie: old })).status).toBe(401);
  });
});

describe("a session with a large token", () => {
  test.each([
    [200, 1],
    [3500, 2],
    [6000, 3],
  ])("of %i bytes goes round in %i cookies of at most 4096 bytes", async (bytes, count) => {
    const world = createWorld();
    world.provider.accessTokenBytes = bytes;
    const ada = await world.signIn();
    expect(ada.jar.names().length).toBe(count);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders");
    const cookies = response.headers.getSetCookie().map(parseSetCookie);
    expect(cookies.map(({ name }) => name)).toEqual(ada.jar.names());
    for (const { name, value } of cookies) expect(name.length + value.length + 1).toBeLessThanOrEqual(4096);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.backend.last.accessToken).toHaveLength(bytes);
    expect(world.provider.grants).toBe(1);
  });

  test("that shrinks loses its stale chunks and nothing else", async () => {
    const world = createWorld();
    world.provider.accessTokenBytes = 6000;
    const ada = await world.signIn();
    expect(ada.jar.names()).toEqual([`${COOKIE}.0`, `${COOKIE}.1`, `${COOKIE}.2`]);
    world.provider.accessTokenBytes = 3500;
    world.passSeconds(3600);
    const toTwo = await ada.ask("/backend/orders", { cookie: `theme=dark; ${ada.jar.header()}` });
    expect([writtenNames(toTwo), removedNames(toTwo)]).toEqual([[`${COOKIE}.0`, `${COOKIE}.1`], [`${COOKIE}.2`]]);
    world.provider.accessTokenBytes = 200;
    world.passSeconds(3600);
    const toOne = await ada.ask("/backend/orders");
    expect([writtenNames(toOne), removedNames(toOne)]).toEqual([[COOKIE], [`${COOKIE}.0`, `${COOKIE}.1`]]);
    expect(ada.jar.names()).toEqual([COOKIE]);
    world.provider.accessTokenBytes = 3500;
    world.passSeconds(3600);
    const grown = await ada.ask("/backend/orders");
    expect([writtenNames(grown), removedNames(grown)]).toEqual([[`${COOKIE}.0`, `${COOKIE}.1`], [COOKIE]]);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
  });

  test("that outgrows the cookie at a refresh works on from the ledger, and the log says so", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.provider.accessTokenBytes = 12_000;
    world.passSeconds(3600);
    for (let i = 0; i < 3; i++) {
      const response = await ada.ask("/backend/orders");
      expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
      expect(world.backend.last.accessToken).toHaveLength(12_000);
    }
    expect(world.provider.grants).toBe(1);
    expect(world.events()).toContain("session_too_large");
  });

  test("that is too large at sign-in without a shared ledger is refused", async () => {
    const world = createWorld();
    world.provider.accessTokenBytes = 12_000;
    await expect(world.signIn()).rejects.toThrow("ledger memory can't hold a session above 12288 bytes");
  });
});

describe("chunks at the edge of their size", () => {
  test.each([3935, 3936, 3937, 2 * 3936 - 1, 2 * 3936, 2 * 3936 + 1])(
    "%i bytes are cut and joined without loss",
    async (length) => {
      const world = createWorld();
      const { style, maxAgeSeconds } = world.gateway.writer.codec;
      const sealed = "x".repeat(length);
      const lines = setCookieLines({ style, sealed, maxAgeSeconds, requestCookies: [] });
      const cookies = lines.map(parseSetCookie);
      expect(cookies.map(({ value }) => value).join("")).toBe(sealed);
      expect(cookies.length).toBe(Math.ceil(length / 3936));
      expect(cookies[0]?.name).toBe(length <= 3936 ? COOKIE : `${COOKIE}.0`);
    },
  );

  test("every length of a session near the border is read again", async () => {
    const world = createWorld();
    for (let extra = 0; extra < 60; extra++) {
      world.provider.accessTokenBytes = 2330 + extra;
      const ada = await world.signIn();
      expect((await ada.ask("/backend/orders")).status).toBe(200);
    }
  });
});
