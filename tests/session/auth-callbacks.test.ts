import { describe, expect, test } from "vitest";
import { claimsFromAccount, publicSession, withoutTokens } from "@/edge/session/auth-callbacks";
import { tokensIn } from "../support/edge-leaks";
import { createWorld } from "../support/edge-world";

const NOW_MS = Date.UTC(2030, 0, 1);
const EXPIRES = "2030-01-31T00:00:00.000Z";

describe("the claims of a new session", () => {
  test("are generation 1 of a new, long id, with the account's token set", () => {
    const account = { provider: "oidc", access_token: "at-1", token_type: "bearer", expires_in: 60, scope: "a b" };
    const first = claimsFromAccount(account, NOW_MS);
    expect(first).toEqual({
      sid: expect.stringMatching(/^[\w-]{32}$/),
      generation: 1,
      provider: "oidc",
      tokens: {
        accessToken: "at-1",
        lifetimeSeconds: 60,
        expiresAtSeconds: NOW_MS / 1000 + 60,
        refreshToken: null,
        scope: "a b",
      },
    });
    expect(claimsFromAccount(account, NOW_MS).sid).not.toBe(first.sid);
  });

  test("take Auth.js's expires_at where there is no expires_in", () => {
    const account = { provider: "oidc", access_token: "at-1", expires_at: NOW_MS / 1000 + 90 };
    expect(claimsFromAccount(account, NOW_MS).tokens).toMatchObject({ lifetimeSeconds: 90 });
  });

  test.each([
    ["no access token", { token_type: "bearer" }],
    ["a token of another type", { access_token: "at-1", token_type: "mac" }],
    ["a token that breaks the header", { access_token: "at-1\r\nx: y", token_type: "bearer" }],
  ])("are refused with %s, naming the provider", (_, account) => {
    expect(() => claimsFromAccount({ provider: "oidc", ...account }, NOW_MS)).toThrow("providers: oidc");
  });
});

describe("the public session", () => {
  test("says who, until when, and nothing to call an API with", async () => {
    const world = createWorld();
    const { claims } = await world.signIn();
    const session = publicSession(claims, { expires: EXPIRES, nowMs: world.clock.nowMs });
    expect(session).toEqual({
      user: { id: "ada", name: "User ada", email: "ada@example.test", image: null },
      expires: EXPIRES,
      gateway: { provider: "oidc", generation: 1, accessTokenExpiresAtSeconds: world.clock.nowMs / 1000 + 3600 },
    });
    expect(tokensIn(JSON.stringify([session, withoutTokens(claims)]), world.provider.issued)).toEqual([]);
    expect(JSON.stringify(session)).not.toContain(claims.gateway.sid);
  });

  test.each([
    ["an expired token without a refresh token", { refresh_token: undefined }, 3600, "sign_in_required"],
    ["an expired token with a refresh token", {}, 3600, undefined],
    ["a valid token without a refresh token", { refresh_token: undefined }, 3599, undefined],
    ["a token without an end", { refresh_token: undefined, expires_in: undefined }, 1e9, undefined],
  ])("of %s has the right error", async (_, account, seconds, error) => {
    const world = createWorld();
    const { claims } = await world.signIn({ account });
    const nowMs = world.clock.nowMs + seconds * 1000;
    expect(publicSession(claims, { expires: EXPIRES, nowMs }).error).toBe(error);
  });
});
