import { describe, expect, test } from "vitest";
import { ConfigError } from "@/edge";
import { createWorld, type WorldOptions } from "../support/edge-world";

/** The gateway's answer where the backend gives these headers. */
async function through(headers: Record<string, string>, options: WorldOptions = {}, body: BodyInit | null = "{}") {
  const world = createWorld(options);
  const ada = await world.signIn();
  world.backend.respond = () => new Response(body, { headers: { "content-type": "application/json", ...headers } });
  return ada.ask("/backend/orders");
}

const KEPT = `accept-ranges allow content-disposition content-language content-length content-range
  content-security-policy content-type deprecation etag last-modified link preference-applied ratelimit ratelimit-limit
  ratelimit-policy ratelimit-remaining ratelimit-reset retry-after sunset vary x-ratelimit-limit x-ratelimit-remaining
  x-ratelimit-reset x-request-id x-total-count`.split(/\s+/);

const DROPPED = `access-control-allow-credentials access-control-allow-headers access-control-allow-methods
  access-control-allow-origin access-control-expose-headers access-control-max-age age alt-svc authorization cdn-cache-control
  clear-site-data connection content-location cross-origin-opener-policy date expires keep-alive nel origin-agent-cluster
  p3p permissions-policy pragma proxy-authenticate proxy-connection public-key-pins refresh report-to reporting-endpoints
  server server-timing service-worker-allowed set-cookie2 set-login sourcemap speculation-rules
  strict-transport-security surrogate-control te timing-allow-origin trailer transfer-encoding upgrade via warning
  www-authenticate x-accel-redirect x-aspnet-version x-frame-options x-middleware-next x-middleware-override-headers
  x-middleware-rewrite x-middleware-set-cookie x-nextjs-cache x-powered-by x-runtime x-secret`.split(/\s+/);

const sent = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `backend-${name}`]));

describe("a browser's response headers", () => {
  test("are the documented names as the backend sent them, and ours, and nothing else", async () => {
    const response = await through({ ...sent(DROPPED), ...sent(KEPT) });
    const own = { "cache-control": "private, no-store", "x-content-type-options": "nosniff" };
    expect(Object.fromEntries(response.headers)).toEqual({ ...sent(KEPT), ...own });
  });

  test("hold no cookie of the backend", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => {
      const headers = new Headers({ "content-type": "text/plain" });
      for (const name of ["__Host-Http-authjs.session-token", "id"])
        headers.append("set-cookie", `${name}=evil; Path=/`);
      return new Response("x", { headers });
    };
    expect((await ada.ask("/backend/orders")).headers.getSetCookie()).toEqual([]);
    world.passSeconds(3600);
    const lines = (await ada.ask("/backend/orders")).headers.getSetCookie();
    expect([lines.length, lines.join().includes("evil")]).toEqual([1, false]);
  });

  test("have the names that the backend exposes", async () => {
    const response = await through(sent(DROPPED), { backend: { exposeHeaders: ["x-secret", "x-runtime"] } });
    expect(response.headers.get("x-secret")).toBe("backend-x-secret");
    expect([...response.headers.keys()]).toEqual([
      "cache-control",
      "content-type",
      "x-content-type-options",
      "x-runtime",
      "x-secret",
    ]);
  });

  test("have no content-length of a decoded body, and no content-encoding", async () => {
    const response = await through({ "content-encoding": "gzip", "content-length": "2", etag: '"x"' });
    expect([...response.headers.keys()].filter((name) => name.startsWith("content-"))).toEqual(["content-type"]);
    expect(response.headers.get("etag")).toBe('"x"');
  });

  test.each([
    [null, "private, no-store"],
    ["", "private, no-store"],
    ["public", "private, no-store"],
    ["public, max-age=3600", "private, no-store"],
    ["max-age=3600", "private, no-store"],
    ["s-maxage=60", "private, no-store"],
    ["private, s-maxage=60", "private, no-store"],
    ["public, private", "private, no-store"],
    ["no-cache", "private, no-store"],
    ["immutable", "private, no-store"],
    ["private", "private"],
    ["private, max-age=60", "private, max-age=60"],
    ["Private, Max-Age=60", "private, max-age=60"],
    ["no-store", "no-store"],
    ["private,no-cache,", "private, no-cache"],
    ['private="x-secret"', "private, no-store"],
    ['x="private", max-age=60', "private, no-store"],
    ["xprivate", "private, no-store"],
  ])("have the Cache-Control %j as %j", async (upstream, expected) => {
    const response = await through(upstream === null ? {} : { "cache-control": upstream });
    expect(response.headers.get("cache-control")).toBe(expected);
  });

  test.each(["text/event-stream", "Text/Event-Stream; charset=utf-8"])(
    "of %s allow no transformation",
    async (type) => {
      const response = await through({ "content-type": type, "cache-control": "private, max-age=60" });
      expect(response.headers.get("cache-control")).toBe("private, no-store, no-transform");
    },
  );

  test("of an event stream that sets the cookie allow no transformation either", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.backend.respond = () => new Response("data: 1\n\n", { headers: { "content-type": "text/event-stream" } });
    const response = await ada.ask("/backend/events");
    expect(response.headers.getSetCookie().length).toBe(1);
    expect(response.headers.get("cache-control")).toBe("private, no-store, no-transform");
  });

  const SANDBOX = "sandbox; default-src 'none'";
  test.each([
    ["text/html", SANDBOX],
    ["TEXT/HTML; charset=utf-8", SANDBOX],
    ["application/xhtml+xml", SANDBOX],
    ["image/svg+xml", SANDBOX],
    ["text/xml", SANDBOX],
    ["application/xml", SANDBOX],
    ["application/atom+xml", SANDBOX],
    ["", SANDBOX],
    ["application/json", null],
    ["text/plain", null],
    ["image/png", null],
    ["application/pdf", null],
  ])("of the type %j have the policy %j", async (type, policy) => {
    const response = await through({ "content-type": type }, {}, new TextEncoder().encode("<p>"));
    expect(response.headers.get("content-security-policy")).toBe(policy);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("keep the backend's own policy for a document", async () => {
    const policy = "default-src 'self'";
    const response = await through({ "content-type": "text/html", "content-security-policy": policy });
    expect(response.headers.get("content-security-policy")).toBe(policy);
  });
});

describe("exposeHeaders may not name", () => {
  const refused = `set-cookie set-cookie2 access-control-allow-origin clear-site-data server x-powered-by connection
    keep-alive proxy-authenticate te trailer transfer-encoding upgrade x-middleware-next x-nextjs-cache cache-control
    location content-encoding www-authenticate strict-transport-security service-worker-allowed X-Total x_total`;
  test.each([...refused.split(/\s+/), ""])("%j", (name) => {
    expect(() => createWorld({ backend: { exposeHeaders: [name] } })).toThrow(
      new ConfigError("backends: /backend/", `may not pass the header "${name}"`),
    );
  });
});

describe("a status", () => {
  test.each([204, 205, 304])("of %i passes on hosts that give it an empty stream for a body", async (status) => {
    const world = createWorld();
    const ada = await world.signIn();
    const empty = new ReadableStream({ start: (controller) => controller.close() });
    world.backend.respond = () => Object.defineProperty(new Response(null, { status }), "body", { value: empty });
    const response = await ada.ask("/backend/orders");
    expect([response.status, response.body]).toEqual([status, null]);
  });

  test.each([200, 201, 202, 204, 205, 206, 304, 400, 403, 404, 409, 418, 422, 429, 500, 503])(
    "of %i passes",
    async (status) => {
      const world = createWorld();
      const ada = await world.signIn();
      const body = [204, 205, 304].includes(status) ? null : "words";
      world.backend.respond = () => new Response(body, { status, headers: { "retry-after": "3" } });
      const response = await ada.ask("/backend/orders");
      expect([response.status, response.headers.get("retry-after")]).toEqual([status, "3"]);
      expect(await response.text()).toBe(body ?? "");
    },
  );
});
