import { describe, expect, test } from "vitest";
import { ConfigError } from "@/edge";
import { createWorld } from "../support/edge-world";

const DOCUMENTED = [
  "accept",
  "accept-language",
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "prefer",
  "range",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-request-id",
];

/** What browsers, proxies, Next and attackers send beside them. */
const OTHERS =
  `accept-charset accept-encoding accept-datetime access-control-request-headers access-control-request-method
  alt-used authorization baggage cdn-loop cf-access-jwt-assertion cf-connecting-ip cf-ray client-ip cookie2
  date device-memory dnt dpop early-data expect forwarded from front-end-https host http2-settings
  if-schedule-tag-match keep-alive max-forwards next-action next-router-prefetch next-router-state-tree next-url origin
  pragma priority proxy-authorization proxy-connection purpose referer rsc save-data sec-ch-ua sec-fetch-dest
  sec-fetch-mode sec-fetch-user sec-gpc sec-purpose sec-websocket-key service-worker set-cookie set-cookie2 te
  trailer true-client-ip upgrade-insecure-requests via viewport-width warning x-api-key x-att-deviceid x-auth-token
  x-b3-traceid x-client-ip x-cluster-client-ip x-correlation-id x-csrf-token x-forwarded-for x-forwarded-host
  x-forwarded-port x-forwarded-prefix x-forwarded-proto x-forwarded-server x-gateway-request x-gateway-target
  x-http-method-override x-invoke-path x-matched-path x-method-override x-middleware-invoke x-middleware-next
  x-middleware-request-cookie x-middleware-rewrite x-middleware-set-cookie x-middleware-subrequest x-nextjs-data
  x-original-url x-prerender-revalidate x-real-ip x-requested-with x-rewrite-url x-scheme x-tenant x-user
  x-vercel-forwarded-for x-vercel-id x-wap-profile`.split(/\s+/);

const sent = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `client-${name}`]));

describe("a backend's request headers", () => {
  test("are the documented names, as the client sent them, and our bearer, and nothing else", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const headers = { ...sent(OTHERS), ...sent(DOCUMENTED) };
    await ada.ask("/backend/orders", { headers, cookie: `theme=dark; ${ada.jar.header()}; _ga=1` });
    const authorization = `Bearer ${ada.claims.gateway.tokens?.accessToken}`;
    expect(world.backend.last.headers).toEqual({ ...sent(DOCUMENTED), authorization });
  });

  test("of a client that sends none say so", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    await ada.ask("/backend/orders");
    expect(world.backend.last.headers).toEqual({
      accept: "*/*",
      "accept-language": "*",
      "user-agent": "edge-token-gateway",
      authorization: `Bearer ${ada.claims.gateway.tokens?.accessToken}`,
    });
  });

  test("stay the same over a refresh, a retry and a changed cookie", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const headers = { ...sent(OTHERS), accept: "text/plain" };
    const allowed = ["accept", "accept-language", "authorization", "user-agent"];
    world.passSeconds(3600);
    await ada.ask("/backend/orders", { headers });
    world.passSeconds(3550);
    await ada.ask("/backend/orders", { headers });
    await world.settled();
    await ada.ask("/backend/orders", { headers });
    world.backend.respond = () => new Response(null, { status: 401 });
    await ada.ask("/backend/orders", { headers });
    expect(world.backend.calls.length).toBe(5);
    for (const call of world.backend.calls) expect(Object.keys(call.headers)).toEqual(allowed);
  });

  test("have the content-length of a large upload, and none of a small one, which fetch counts itself", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    for (const length of [10, 70_000]) {
      const headers = { "content-length": String(length) };
      await ada.ask("/backend/orders", { method: "POST", body: new Uint8Array(length), headers });
    }
    expect(world.backend.calls.map(({ headers }) => headers["content-length"])).toEqual([undefined, "70000"]);
  });

  test("have the names that the backend adds, and no other backend's", async () => {
    const otherBackends = { "/other/": { url: "https://api.test/o", forwardHeaders: ["x-user"] } };
    const world = createWorld({ backend: { forwardHeaders: ["x-tenant", "x-csrf-token"] }, otherBackends });
    const ada = await world.signIn();
    await ada.ask("/backend/orders", { headers: sent(OTHERS) });
    await ada.ask("/other/orders", { headers: sent(OTHERS) });
    const names = world.backend.calls.map(({ headers }) =>
      Object.keys(headers).filter((name) => name.startsWith("x-")),
    );
    expect(names).toEqual([["x-csrf-token", "x-tenant"], ["x-user"]]);
    expect(world.backend.calls[0]?.headers["x-tenant"]).toBe("client-x-tenant");
  });
});

describe("forwardHeaders may not name", () => {
  const refused =
    `authorization cookie cookie2 set-cookie proxy-authorization x-forwarded-for x-forwarded-host forwarded
    x-real-ip x-middleware-subrequest x-nextjs-data next-action rsc host connection keep-alive te trailer
    transfer-encoding upgrade content-length expect origin referer sec-fetch-site sec-websocket-key x-gateway-request
    X-Tenant x_tenant x:tenant`.split(/\s+/);
  test.each([...refused, "", "x tenant"])("%j", (name) => {
    const forwardHeaders = ["x-fine", name];
    expect(() => createWorld({ backend: { forwardHeaders } })).toThrow(
      new ConfigError("backends: /backend/", `may not pass the header "${name}"`),
    );
  });
});
