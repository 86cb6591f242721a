import { describe, expect, test } from "vitest";
import { parseCookies } from "@/edge/session/cookies";
import { json } from "../support/edge-provider";
import { createWorld, outcome } from "../support/edge-world";

/** The token set of a session after one refresh that answered with `override`. */
async function refreshedBy(override: Record<string, unknown>) {
  const world = createWorld();
  const ada = await world.signIn();
  world.passSeconds(3600);
  world.provider.override = override;
  const result = await outcome(await ada.ask("/backend/orders"));
  const claims = await world.gateway.writer.codec.read(parseCookies(ada.jar.header()));
  const nowSeconds = world.clock.nowMs / 1000;
  return { world, ada, result, nowSeconds, before: ada.claims.gateway.tokens, after: claims?.gateway.tokens ?? null };
}

const CENTURY = 100 * 365 * 86_400;

describe("a refresh answer's expires_in", () => {
  test.each<[string, unknown, number | null]>([
    ["a number", 600, 600],
    ["a string of digits", "600", 600],
    ["a fraction", 600.9, 600],
    ["absent", undefined, null],
    ["null", null, null],
    ["empty", "", null],
    ["zero", 0, null],
    ["negative", -1, null],
    ["a negative string", "-600", null],
    ["NaN", "NaN", null],
    ["Infinity", "Infinity", null],
    ["words", "one hour", null],
    ["an object", {}, null],
    ["beyond any date", 1e18, CENTURY],
    ["the largest number", Number.MAX_VALUE, CENTURY],
  ])("that is %s gives its life", async (_, expiresIn, lifetimeSeconds) => {
    const { result, after, nowSeconds } = await refreshedBy({ expires_in: expiresIn });
    expect(result).toBe("200");
    expect(after?.lifetimeSeconds).toBe(lifetimeSeconds);
    expect(after?.expiresAtSeconds).toBe(lifetimeSeconds === null ? null : nowSeconds + lifetimeSeconds);
  });

  test("that is odd costs no session: the token is used until the backend refuses it", async () => {
    const { world, ada } = await refreshedBy({ expires_in: "soon" });
    world.passSeconds(20 * 86_400);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.provider.grants).toBe(1);
  });
});

describe("a refresh answer", () => {
  test.each([
    ["absent", undefined],
    ["null", null],
    ["empty", ""],
  ])("with its refresh token %s keeps the old one, again and again", async (_, refreshToken) => {
    const { world, ada, before, after } = await refreshedBy({ refresh_token: refreshToken });
    expect(after?.refreshToken).toBe(before?.refreshToken);
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect([world.provider.grants, world.provider.reuses]).toEqual([2, 0]);
  });

  test("with a new refresh token uses it next", async () => {
    const { world, ada, before, after } = await refreshedBy({});
    expect(after?.refreshToken).not.toBe(before?.refreshToken);
    world.passSeconds(3600);
    await ada.ask("/backend/orders");
    expect(world.provider.callsTo("/token").map(({ params }) => params.get("refresh_token"))).toEqual([
      before?.refreshToken,
      after?.refreshToken,
    ]);
  });

  test.each<[string, unknown, string]>([
    ["absent", undefined, "openid offline_access"],
    ["null", null, "openid offline_access"],
    ["empty", "", "openid offline_access"],
    ["narrower", "openid", "openid"],
  ])("with its scope %s", async (_, scope, expected) => {
    expect((await refreshedBy({ scope })).after?.scope).toBe(expected);
  });

  test.each(["Bearer", "bearer", "BEARER", undefined, null, ""])("with token_type %s is taken", async (tokenType) => {
    expect((await refreshedBy({ token_type: tokenType })).result).toBe("200");
  });

  test.each(["mac", "DPoP", "N_A", "bearer2", 1])("with token_type %s is not used: 503", async (tokenType) => {
    const { world, result, ada } = await refreshedBy({ token_type: tokenType });
    expect(result).toBe("503 provider_unavailable");
    expect([world.backend.calls.length, ada.jar.names().length]).toEqual([0, 1]);
  });

  test.each([
    ["a space", "at secret"],
    ["CR and LF", "at\r\nx-evil: 1"],
    ["NUL", "at\0"],
    ["non-ASCII", "at-ü"],
    ["nothing", ""],
    ["a list", ["at"]],
    ["a number", 1],
  ])("whose access token holds %s is not used: 503", async (_, accessToken) => {
    const { world, result, ada } = await refreshedBy({ access_token: accessToken });
    expect(result).toBe("503 provider_unavailable");
    expect([world.backend.calls.length, ada.jar.names().length]).toEqual([0, 1]);
  });

  test.each([
    ["garbage", "garbage"],
    ["an object", {}],
    ["of another issuer", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJldmlsIn0."],
  ])("with an id_token that is %s is taken without it", async (_, idToken) => {
    const { result, world } = await refreshedBy({ id_token: idToken, unknown_member: { a: 1 } });
    expect(result).toBe("200");
    expect(world.fetched.filter((call) => call.includes("jwks"))).toEqual([]);
  });

  test("of 10 refreshes in a row uses each refresh token once", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    for (let i = 0; i < 10; i++) {
      world.passSeconds(3600);
      expect((await ada.ask("/backend/orders")).status).toBe(200);
    }
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([10, 10, 0]);
  });
});

describe("GitHub, which answers errors with 200,", () => {
  test.each([
    ["bad_refresh_token", "401 session_expired"],
    ["incorrect_client_credentials", "503 provider_unavailable"],
    ["unsupported_grant_type", "503 provider_unavailable"],
  ])("with %s makes %s", async (error, expected) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.provider.failure = () => json(200, { error, error_description: "The refresh token is incorrect" });
    const response = await ada.ask("/backend/orders");
    expect(await outcome(response)).toBe(expected);
    expect(ada.jar.names().length).toBe(expected.startsWith("401") ? 0 : 1);
  });
});
