import { describe, expect, test } from "vitest";
import type { Provider } from "@/edge/token/provider";
import { failures } from "../support/edge-provider";
import { createWorld, outcome, type WorldOptions } from "../support/edge-world";

/** One refresh by a client that authenticates this way. */
async function refreshAs(
  change: Partial<Provider>,
  provider: Partial<ReturnType<typeof createWorld>["provider"]> = {},
) {
  const world = createWorld({ providers: (own) => [{ ...own, ...change }] });
  Object.assign(world.provider, provider);
  const ada = await world.signIn();
  world.passSeconds(3600);
  const result = await outcome(await ada.ask("/backend/orders"));
  return { world, ada, result, call: world.provider.callsTo("/token")[0] };
}

describe("discovery", () => {
  test("happens once for 20 refreshes of 20 sessions, and again after an hour", async () => {
    const world = createWorld();
    world.provider.accessTokenSeconds = 60;
    for (let i = 0; i < 20; i++) {
      const visitor = await world.signIn({ login: `user-${i}` });
      world.passSeconds(60);
      expect((await visitor.ask("/backend/orders")).status).toBe(200);
    }
    expect([world.provider.discoveries, world.provider.grants]).toEqual([1, 20]);
    const last = await world.signIn();
    world.passSeconds(3600);
    await last.ask("/backend/orders");
    expect([world.provider.discoveries, world.provider.grants]).toEqual([2, 21]);
  });

  test("that fails is not remembered", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.provider.discoveryFailure = failures["answers 500"];
    for (let i = 0; i < 3; i++) {
      expect(await outcome(await ada.ask("/backend/orders"))).toBe("503 provider_unavailable");
    }
    expect([world.provider.discoveries, world.provider.attempts]).toEqual([3, 0]);
    world.provider.discoveryFailure = null;
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect([world.provider.discoveries, world.provider.grants]).toEqual([4, 1]);
  });

  test.each(["answers HTML", "answers 10 MB", "redirects to another host", "never answers", "cuts its body"] as const)(
    "that %s costs no session",
    async (name) => {
      const world = createWorld({ config: { refresh: { timeoutMs: 50 } } });
      const ada = await world.signIn();
      world.passSeconds(3600);
      world.provider.discoveryFailure = failures[name];
      expect(await outcome(await ada.ask("/backend/orders"))).toBe("503 provider_unavailable");
      world.provider.discoveryFailure = null;
      expect((await ada.ask("/backend/orders")).status).toBe(200);
    },
  );

  test.each([
    ["another issuer's document", { issuer: "https://evil.test" }],
    ["no token endpoint", { token_endpoint: undefined }],
    ["a token endpoint that is no URL", { token_endpoint: "token" }],
    ["a token endpoint over http", { token_endpoint: "http://provider.test/token" }],
  ])("that gives %s sends no refresh token anywhere", async (_, metadata) => {
    const { world, result } = await refreshAs({}, { metadata });
    expect(result).toBe("503 provider_unavailable");
    expect(world.fetched).toEqual(["GET https://provider.test/.well-known/openid-configuration"]);
  });

  test("takes an http endpoint from a loopback issuer", async () => {
    const world = createWorld({ providers: (own) => [{ ...own, issuer: "http://127.0.0.1:9" }] });
    world.servers.set("http://127.0.0.1:9", (url, init) => world.provider.answer(url, init));
    const origin = "http://127.0.0.1:9";
    world.provider.metadata = { issuer: origin, token_endpoint: `${origin}/token` };
    const ada = await world.signIn();
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
  });

  test("of an issuer over http is refused by name", async () => {
    const { result, world } = await refreshAs({ issuer: "http://provider.test" });
    expect(result).toBe("503 misconfigured");
    expect(world.log).toContainEqual(expect.objectContaining({ detail: expect.stringContaining("providers: oidc") }));
    expect(world.fetched).toEqual([]);
  });

  test("is by RFC 8414 for an OAuth 2 issuer", async () => {
    const world = createWorld({ providers: (own) => [{ ...own, discovery: "oauth2" }] });
    world.servers.set(world.provider.origin, (url, init) => {
      const isMetadata = url.pathname === "/.well-known/oauth-authorization-server";
      return world.provider.answer(isMetadata ? new URL("/.well-known/openid-configuration", url) : url, init);
    });
    const ada = await world.signIn();
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect(world.fetched[0]).toBe("GET https://provider.test/.well-known/oauth-authorization-server");
  });
});

describe("an OAuth 2 provider with its own token URL", () => {
  const github: WorldOptions = {
    providers: (own) => [
      { ...own, id: "github", discovery: "oauth2", issuer: undefined, tokenEndpoint: "https://provider.test/token" },
    ],
  };

  test("is never discovered, at refresh and at sign-out", async () => {
    const world = createWorld(github);
    const ada = await world.signIn({ account: { provider: "github" } });
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    await world.gateway.signOut(ada.claims.gateway);
    expect([world.provider.discoveries, world.provider.grants, world.provider.revoked.length]).toEqual([0, 1, 0]);
  });

  test("is asked for JSON", async () => {
    const { call } = await refreshAs({ tokenEndpoint: "https://provider.test/token" });
    expect(call?.accept).toBe("application/json");
  });

  test("revokes at its own revocation URL", async () => {
    const revocationEndpoint = "https://provider.test/revoke";
    const providers = (own: Provider) => [{ ...own, tokenEndpoint: "https://provider.test/token", revocationEndpoint }];
    const world = createWorld({ providers });
    const ada = await world.signIn();
    await world.gateway.signOut(ada.claims.gateway);
    expect(world.fetched).toEqual(["POST https://provider.test/revoke"]);
    expect(world.provider.revoked).toEqual([ada.claims.gateway.tokens?.refreshToken]);
  });
});

describe("the client authenticates", () => {
  test("with client_secret_basic, in the header alone", async () => {
    const { result, call } = await refreshAs({});
    expect([result, call?.authorization]).toEqual(["200", `Basic ${btoa("app:app-secret")}`]);
    expect([...(call?.params.keys() ?? [])].sort()).toEqual(["grant_type", "refresh_token"]);
  });

  test("with client_secret_basic in Auth.js's spelling of odd characters", async () => {
    const [clientId, clientSecret] = ["app-1_a.b~c", "s:e/c+r&e=t %-_.~ü"];
    const { call } = await refreshAs({ clientId, clientSecret });
    expect(call?.authorization).toBe(`Basic ${btoa("app-1_a.b~c:s%3Ae%2Fc%2Br%26e%3Dt+%25-_.~%C3%BC")}`);
  });

  test("with client_secret_post, in the body alone", async () => {
    const authentication = "client_secret_post";
    const { result, call } = await refreshAs({ clientAuthentication: authentication }, { authentication });
    expect([result, call?.authorization]).toEqual(["200", null]);
    expect([call?.params.get("client_id"), call?.params.get("client_secret")]).toEqual(["app", "app-secret"]);
  });

  test("with none, by its id alone", async () => {
    const change = { clientAuthentication: "none", clientSecret: undefined } as const;
    const { result, call } = await refreshAs(change, { authentication: "none" });
    expect([result, call?.authorization]).toEqual(["200", null]);
    expect([call?.params.get("client_id"), call?.params.get("client_secret")]).toEqual(["app", null]);
  });

  test("not at all when its secret is missing: 503 misconfigured, and the cookie stays", async () => {
    const { result, world, ada } = await refreshAs({ clientSecret: undefined });
    expect([result, ada.jar.names().length, world.provider.attempts]).toEqual(["503 misconfigured", 1, 0]);
  });
});

test("a session of a provider that is no longer configured is kept: 503", async () => {
  const world = createWorld({ providers: (own) => [{ ...own, id: "other" }] });
  const ada = await world.signIn();
  expect((await ada.ask("/backend/orders")).status).toBe(200);
  world.passSeconds(3600);
  expect(await outcome(await ada.ask("/backend/orders"))).toBe("503 provider_unavailable");
  expect([ada.jar.names().length, world.provider.attempts]).toEqual([1, 0]);
  const mended = world.build({ providers: (own) => [own] });
  expect((await ada.ask("/backend/orders", { gateway: mended })).status).toBe(200);
});
