import { expect, test } from "vitest";
import { upstreamUrl } from "@/edge/backend/upstream-url";
import { createWorld } from "../support/edge-world";

/** mulberry32, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PIECES = [
  ..."aB9./\\;=@:?#&~-_ %ü\t",
  ...`.. // %2e %2F %5c %00 %0a %25 %252e %c0%ae %C3%BC .rsc v1 backend _next/data/x http://evil.test`.split(" "),
];

test("20,000 generated paths: each stays below the base, with its own spelling, or is refused", () => {
  const world = createWorld();
  const base = new URL("https://api.test/v1");
  const next = random(20_300_101);
  const astray: string[] = [];
  let forwarded = 0;
  for (let i = 0; i < 20_000; i++) {
    const pieces = Array.from({ length: 1 + Math.floor(next() * 8) }, () => PIECES[Math.floor(next() * PIECES.length)]);
    const target = `/backend/${pieces.join("")}`;
    const route = world.gateway.route(target);
    if (route.to === "bad_path") continue;
    forwarded += 1;
    const url = route.to === "backend" ? upstreamUrl(base, route) : null;
    const [path = ""] = target.split("?");
    const expected = path === "/backend/" ? "/v1" : path.replace("/backend", "/v1");
    if (url?.origin !== base.origin || url.pathname !== expected) astray.push(target);
  }
  expect(astray).toEqual([]);
  expect(forwarded).toBeGreaterThan(1000);
});

test("20,000 disguised paths: none that could decode to the mount is let through to pages", () => {
  const world = createWorld();
  const next = random(7);
  const disguises = ["/", "//", "/./", "/x/../", "/%2e/", "\\", "/x/%2e%2e/", "/;/"];
  const spell = (name: string): string =>
    [...name].map((c) => (next() < 0.3 ? `%${c.charCodeAt(0).toString(16)}` : c)).join("");
  const astray: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const target = `${disguises[Math.floor(next() * disguises.length)]}${spell("backend")}/x`;
    const expected = target === "/backend/x" ? "backend" : "bad_path";
    if (world.gateway.route(target).to !== expected) astray.push(target);
  }
  expect(astray).toEqual([]);
});

test.each(["../x", "..", "%2e%2e/x", "a/../../x", "a\\b", "a\tb", "a#b"])(
  "whatever was checked before, %j below a base makes no URL",
  (rest) => {
    expect(upstreamUrl(new URL("https://api.test/v1"), { rest, query: "" })).toBeNull();
  },
);
