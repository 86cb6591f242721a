import { describe, expect, test } from "vitest";
import { APP_ORIGIN, createWorld, outcome } from "../support/edge-world";

const REFUSED = "502 upstream_redirect";

/** `Location` values of a backend at https://api.test/v1, answering /v1/a/b?x=1, and where the browser is sent. */
const inside: [string, string][] = [
  ["https://api.test/v1/c", "/backend/c"],
  ["https://api.test/v1/", "/backend/"],
  ["https://api.test/v1", "/backend/"],
  ["https://api.test:443/v1/c", "/backend/c"],
  ["https://api.test/v1/c?y=2&z=%2f#part", "/backend/c?y=2&z=%2f#part"],
  ["https://api.test/v1?y=2", "/backend/?y=2"],
  ["/v1/c", "/backend/c"],
  ["c", "/backend/a/c"],
  ["./c", "/backend/a/c"],
  ["../c", "/backend/c"],
  ["?page=2", "/backend/a/b?page=2"],
  ["#part", "/backend/a/b?x=1#part"],
  ["//api.test/v1/c", "/backend/c"],
  ["https://api.test/v1/../v1/c", "/backend/c"],
];

const outside = [
  "https://evil.test/",
  "//evil.test/v1/c",
  "http://api.test/v1/c",
  "https://api.test:8443/v1/c",
  "https://api.test/",
  "https://api.test/v2",
  "https://api.test/v10/c",
  "https://api.test/v1/../v2",
  "/v1/%2e%2e/v2",
  "../../x",
  "/",
  "\\\\evil.test\\v1",
  "https://api.test.evil.test/v1/c",
  "https://user@api.test/v1/c",
  "https://user:pw@api.test/v1/c",
  "javascript:alert(1)",
  "data:text/html,x",
  "https://",
  "http://[",
  "https://app.test/backend/c",
  "",
];

/** What comes of a backend's answer with this status and `Location`. */
async function answer(status: number, location: string | null) {
  const world = createWorld();
  const ada = await world.signIn();
  world.backend.respond = () => new Response("moved", { status, headers: location === null ? {} : { location } });
  return { world, response: await ada.ask("/backend/a/b?x=1") };
}

describe("a redirect", () => {
  test.each(inside)("to %j leads below the mount: %s", async (location, expected) => {
    const { world, response } = await answer(302, location);
    expect([response.status, response.headers.get("location")]).toEqual([302, `${APP_ORIGIN}${expected}`]);
    expect(world.backend.calls.length).toBe(1);
  });

  test.each(outside)("to %j is 502, is not followed, and is not shown", async (location) => {
    const { world, response } = await answer(302, location);
    expect(response.headers.get("location")).toBeNull();
    expect(await outcome(response)).toBe(REFUSED);
    expect(world.fetched.length).toBe(1);
  });

  test("without a Location is 502", async () => {
    expect(await outcome((await answer(302, null)).response)).toBe(REFUSED);
  });

  test.each([301, 302, 303, 307, 308])("keeps its status %i", async (status) => {
    const { response } = await answer(status, "/v1/c");
    expect([response.status, response.headers.get("location")]).toEqual([status, `${APP_ORIGIN}/backend/c`]);
    expect(await outcome((await answer(status, "https://evil.test/")).response)).toBe(REFUSED);
  });

  test("that sets the refreshed cookie is still rewritten", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.backend.respond = () => new Response(null, { status: 303, headers: { location: "/v1/c" } });
    const response = await ada.ask("/backend/a");
    expect([response.headers.get("location"), response.headers.getSetCookie().length]).toEqual([
      `${APP_ORIGIN}/backend/c`,
      1,
    ]);
  });
});

describe("a Location beside another status", () => {
  test.each([
    [201, "/v1/orders/7", `${APP_ORIGIN}/backend/orders/7`],
    [201, "https://api.test/v1/orders/7", `${APP_ORIGIN}/backend/orders/7`],
    [201, "https://evil.test/7", null],
    [201, "http://internal.test/v1/7", null],
    [202, "/v1/jobs/1", `${APP_ORIGIN}/backend/jobs/1`],
    [200, "/elsewhere", null],
  ])("%i, %s, becomes %s", async (status, location, expected) => {
    const { response } = await answer(status, location);
    expect([response.status, response.headers.get("location"), await response.text()]).toEqual([
      status,
      expected,
      "moved",
    ]);
  });
});
