import { describe, expect, onTestFinished, test, vi } from "vitest";
import { APP_ORIGIN, COOKIE, createWorld, outcome } from "../support/edge-world";

const OK = "200";
const REFUSED = "403 cross_site";

type Headers = Record<string, string | null>;
const absent = { "sec-fetch-site": null };

/** Headers, method, and what comes of them without and with `allowNavigation`. */
const matrix: [string, Headers, string, string, string][] = [
  ["same-origin", { "sec-fetch-site": "same-origin" }, "GET", OK, OK],
  ["same-origin, POST", { "sec-fetch-site": "same-origin" }, "POST", OK, OK],
  ["same-origin, navigate", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" }, "GET", OK, OK],
  ["same-site", { "sec-fetch-site": "same-site" }, "GET", REFUSED, REFUSED],
  ["same-site, navigate", { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" }, "GET", REFUSED, REFUSED],
  ["cross-site", { "sec-fetch-site": "cross-site" }, "GET", REFUSED, REFUSED],
  [
    "cross-site, no-cors POST",
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    "POST",
    REFUSED,
    REFUSED,
  ],
  ["cross-site, navigate", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, "GET", REFUSED, REFUSED],
  ["none", { "sec-fetch-site": "none" }, "GET", REFUSED, REFUSED],
  ["none, navigate", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, "GET", REFUSED, OK],
  ["none, navigate, HEAD", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, "HEAD", REFUSED, REFUSED],
  ["none, navigate, POST", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, "POST", REFUSED, REFUSED],
  ["none, cors", { "sec-fetch-site": "none", "sec-fetch-mode": "cors" }, "GET", REFUSED, REFUSED],
  ["an unknown value", { "sec-fetch-site": "same-planet" }, "GET", REFUSED, REFUSED],
  ["an empty value", { "sec-fetch-site": "" }, "GET", REFUSED, REFUSED],
  ["an empty value with our Origin", { "sec-fetch-site": "", origin: APP_ORIGIN }, "POST", REFUSED, REFUSED],
  ["two values", { "sec-fetch-site": "same-origin, cross-site" }, "GET", REFUSED, REFUSED],
  ["upper case", { "sec-fetch-site": "Same-Origin" }, "GET", REFUSED, REFUSED],
  ["cross-site with our Origin", { "sec-fetch-site": "cross-site", origin: APP_ORIGIN }, "POST", REFUSED, REFUSED],
  [
    "cross-site with our header",
    { "sec-fetch-site": "cross-site", "x-gateway-request": "1" },
    "POST",
    REFUSED,
    REFUSED,
  ],
  ["our Origin", { ...absent, origin: APP_ORIGIN }, "POST", OK, OK],
  ["another Origin", { ...absent, origin: "https://evil.test" }, "POST", REFUSED, REFUSED],
  ["a sister Origin", { ...absent, origin: "https://sub.app.test" }, "POST", REFUSED, REFUSED],
  ["our Origin on http", { ...absent, origin: "http://app.test" }, "POST", REFUSED, REFUSED],
  ["our Origin with a port", { ...absent, origin: `${APP_ORIGIN}:8443` }, "POST", REFUSED, REFUSED],
  ["our Origin as a prefix", { ...absent, origin: `${APP_ORIGIN}.evil.test` }, "POST", REFUSED, REFUSED],
  ["our Origin with a slash", { ...absent, origin: `${APP_ORIGIN}/` }, "POST", REFUSED, REFUSED],
  ["Origin null", { ...absent, origin: "null" }, "POST", REFUSED, REFUSED],
  ["Origin null with our header", { ...absent, origin: "null", "x-gateway-request": "1" }, "POST", REFUSED, REFUSED],
  [
    "another Origin with our header",
    { ...absent, origin: "https://evil.test", "x-gateway-request": "1" },
    "GET",
    REFUSED,
    REFUSED,
  ],
  ["neither", absent, "GET", REFUSED, REFUSED],
  ["neither, navigate", { ...absent, "sec-fetch-mode": "navigate" }, "GET", REFUSED, REFUSED],
  ["neither, with our header", { ...absent, "x-gateway-request": "1" }, "GET", OK, OK],
  ["neither, with our header, DELETE", { ...absent, "x-gateway-request": "1" }, "DELETE", OK, OK],
  ["neither, with another value", { ...absent, "x-gateway-request": "true" }, "GET", REFUSED, REFUSED],
  ["neither, with our Referer", { ...absent, referer: `${APP_ORIGIN}/page` }, "GET", REFUSED, REFUSED],
];

describe.each([
  ["without allowNavigation", false],
  ["with allowNavigation", true],
])("%s, a request of", (_, allowNavigation) => {
  test.each(matrix)("%s", async (_name, headers, method, without, withNavigation) => {
    const world = createWorld({ backend: { allowNavigation } });
    const ada = await world.signIn();
    const response = await ada.ask("/backend/orders", { headers, method });
    const expected = allowNavigation ? withNavigation : without;
    expect(await outcome(response)).toBe(expected);
    expect(world.backend.calls.length).toBe(expected === OK ? 1 : 0);
    for (const name of response.headers.keys()) expect(name).not.toMatch(/^access-control-/);
  });
});

describe("a cross-site request is refused before", () => {
  const crossSite = { "sec-fetch-site": "cross-site" };

  test("the session is looked at", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders", { headers: crossSite });
    expect(await outcome(response)).toBe("403 cross_site");
    expect([world.fetched, world.provider.attempts]).toEqual([[], 0]);
    expect(await outcome(await world.ask("/backend/x", { headers: crossSite }))).toBe("403 cross_site");
    const cookie = `${COOKIE}=garbage`;
    expect(await outcome(await world.ask("/backend/x", { headers: crossSite, cookie }))).toBe("403 cross_site");
  });

  test("any cryptography", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    const fresh = world.build({ env: { AUTH_SECRET: "a-key-that-nobody-has-derived-before-this" } });
    const spies = (["importKey", "deriveBits", "digest", "sign", "decrypt"] as const).map((name) =>
      vi.spyOn(crypto.subtle, name),
    );
    onTestFinished(() => spies.forEach((spy) => void spy.mockRestore()));
    const counts = (): number[] => spies.map((spy) => spy.mock.calls.length);
    await world.ask("/backend/orders", { cookie, headers: crossSite, gateway: fresh });
    expect(counts()).toEqual([0, 0, 0, 0, 0]);
    await world.ask("/backend/orders", { cookie, gateway: world.build() });
    expect(Math.min(...counts())).toBeGreaterThan(0);
  });

  test("its path, method, upgrade and body are judged", async () => {
    const world = createWorld();
    const refused = [
      world.ask("/backend/x", { target: "/backend/../x", headers: crossSite }),
      world.ask("/backend/x", { method: "OPTIONS", headers: crossSite }),
      world.ask("/backend/x", { headers: { ...crossSite, upgrade: "websocket" } }),
      world.ask("/backend/x", { method: "POST", body: "x".repeat(100), bodyLimitBytes: 10, headers: crossSite }),
    ];
    for (const response of refused) expect(await outcome(await response)).toBe("403 cross_site");
  });
});

test("a CORS preflight gets no CORS header", async () => {
  const world = createWorld();
  const headers = { "sec-fetch-site": null, origin: "https://evil.test", "access-control-request-method": "GET" };
  const response = await world.ask("/backend/orders", { method: "OPTIONS", headers });
  expect([...response.headers.keys()]).toEqual(["cache-control", "content-type", "x-content-type-options"]);
  expect(await outcome(response)).toBe("403 cross_site");
});
