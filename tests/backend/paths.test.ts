import { describe, expect, test } from "vitest";
import { createWorld, outcome } from "../support/edge-world";

const list = (text: string): string[] => text.trim().split(/\s+/);

const hostile = list(String.raw`
  /backend/../x /backend/a/../b /backend/a/.. /backend/.. /backend/./x /backend/. /backend/%2e%2e/x /backend/%2E%2e/x
  /backend/.%2e/x /backend/%2e/x /backend/a%2fb /backend/a%2Fb /backend/..%2fx /backend/a%5cb /backend/a\b
  /backend/..\x /backend/%00 /backend/a%00b /backend/%0d%0aset-cookie:x /backend/a%0ab /backend/a%09b /backend/%7f
  /backend/%c2%85 /backend/a;b /backend/a;v=1/b /backend/..;/x /backend/a%3bb /backend/%252e%252e/x /backend/a%252fb
  /backend/a%2541 /backend/% /backend/a% /backend/a%2 /backend/a%zz /backend/%u002e /backend/%c0%ae%c0%ae/x
  /backend/%c0%af /backend/%e0%80%af /backend/%ff /backend/%ed%a0%80 /backend/%41 /backend/%7e /backend/%2d /backend/%5f
  /backend/%30 /backend//x /backend/a//b /backend// /backend/a#b /backend/<x> /backend/"x" /backend/{x} /backend/a|b
  /backend/a^b /backend/[x] /backend/ü /backend/x.rsc /backend/a.rsc/b /backend/.rsc /backend/x%2ersc
  /backend/x.segments/y.segment.rsc /backend.rsc /backend.json /_next/data/build/backend/echo.json
  /_next/data/build/backend.json /%62ackend/x /backend%2fx /%2562ackend/x //backend/x /./backend/x /x/../backend/y
  /x/%2e%2e/backend/y \backend\x /backend\x /backend;v=1/x /backend;/x /x/..;/backend/y /backend%00/../backend/x
  /%2fbackend/x /_next/../backend/x /%25%36%32ackend/x
`).concat("/backend/a b", "/backend/a`b", "/backend/\0", "/backend/a\r\nb", "/backend/a\tb");

const canonical: [string, string][] = [
  ["/backend/a/b", "/v1/a/b"],
  ["/backend/a/b/", "/v1/a/b/"],
  ["/backend/", "/v1"],
  ["/backend", "/v1"],
  ["/backend/a", "/v1/a"],
  ["/backend/.a/..b/c../...", "/v1/.a/..b/c../..."],
  ["/backend/a.json", "/v1/a.json"],
  ["/backend/a.rsc.txt/rsc", "/v1/a.rsc.txt/rsc"],
  ["/backend/%C3%BC/%20", "/v1/%C3%BC/%20"],
  ["/backend/100%25", "/v1/100%25"],
  ["/backend/-._~!$&'()*+,=:@", "/v1/-._~!$&'()*+,=:@"],
  ["/backend/https:", "/v1/https:"],
  ["/backend/@evil.test", "/v1/@evil.test"],
  ["/backend/user:pw@evil.test", "/v1/user:pw@evil.test"],
  ["/backend/backend/x", "/v1/backend/x"],
];

const queries = list(String.raw`
  ? ?x=1&x=2 ?x=%2e%2e%2f ?a=b;c ?next=/../../etc ?q=%00%ff%zz ?a=%25&b=+&c ?url=https://evil.test/?x=1
  ?q={x}|^[]\ ??a=b?c ?a//b/../c
`);

describe("a path is refused, and nobody is asked anything:", () => {
  test.each(hostile)("%j", async (target) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const response = await ada.ask("/backend/placeholder", { target });
    expect(await outcome(response)).toBe("400 bad_path");
    expect(await outcome(await ada.ask("/backend/placeholder", { target: `${target}?x=1` }))).toBe("400 bad_path");
    expect([world.backend.calls, world.fetched]).toEqual([[], []]);
  });
});

describe("a path is forwarded exactly:", () => {
  test.each(canonical)("%s as %s", async (target, expected) => {
    const world = createWorld();
    const ada = await world.signIn();
    expect((await ada.ask("/backend/placeholder", { target })).status).toBe(200);
    expect((await ada.ask("/backend/placeholder", { target: `${target}?x=1` })).status).toBe(200);
    expect(world.backend.calls.map((call) => call.target)).toEqual([expected, `${expected}?x=1`]);
  });

  test.each(queries)("with the query %s untouched", async (query) => {
    const world = createWorld();
    const ada = await world.signIn();
    await ada.ask("/backend/placeholder", { target: `/backend/a/b${query}` });
    expect(world.fetched).toEqual(["GET https://api.test/v1/a/b"]);
    expect(world.backend.last.target).toBe(`/v1/a/b${query === "?" ? "" : query}`);
  });

  const bases: [string, string][] = [
    ["https://api.test", "/a"],
    ["https://api.test/", "/a"],
    ["https://api.test/v1/", "/v1/a"],
    ["https://api.test/deep/er/v2", "/deep/er/v2/a"],
  ];
  test.each(bases)("below the base %s", async (url, expected) => {
    const world = createWorld({ backend: { url } });
    const ada = await world.signIn();
    await ada.ask("/backend/a");
    expect(world.backend.last.target).toBe(expected);
  });
});

const others = list(`
  / /backendx /backendx/y /Backend/x /api/auth/session /x/backend/y /_next/static/x.js /_next/data/build/index.json
  /page?next=/backend/x /backend-2/x /%zz /a%2fbackend /backend%2f..%2fx
`);

test.each(others)("%s is none of ours", async (target) => {
  const world = createWorld();
  const headers = { "sec-fetch-site": "cross-site" };
  expect(await world.askOrPass("/placeholder", { target, headers })).toBeNull();
});

test("of several mounts the longest wins", async () => {
  const otherBackends = {
    "/backend/deep/": { url: "https://api.test/deep" },
    "/other/": { url: "https://api.test/o" },
  };
  const world = createWorld({ otherBackends });
  const ada = await world.signIn();
  for (const path of ["/backend/a", "/backend/deep/a", "/backend/deep", "/backend/deeper", "/other/a"])
    await ada.ask(path);
  expect(world.backend.calls.map(({ target }) => target)).toEqual(["/v1/a", "/deep/a", "/deep", "/v1/deeper", "/o/a"]);
});
