import { describe, expect, test } from "vitest";
import { parseCookies } from "@/edge/session/cookies";
import { removedNames } from "../support/edge-cookies";
import { COOKIE, createWorld, outcome, type World } from "../support/edge-world";

const NAME = "authjs.session-token";
const LOOPBACK = { AUTH_URL: "http://localhost:3000" };
const FULL = "g".repeat(3936);

/** A session in three chunks, and one in a single cookie. */
async function sessions(): Promise<{ world: World; chunked: string[]; whole: string; login: () => string | null }> {
  const world = createWorld({ env: LOOPBACK });
  const whole = (await world.signIn({ login: "whole" })).jar.header();
  world.provider.accessTokenBytes = 6000;
  const chunked = (await world.signIn({ login: "chunked" })).jar.header().split("; ");
  expect(chunked.length).toBe(3);
  return { world, chunked, whole, login: () => world.provider.ownerOf(world.backend.last.accessToken ?? "") };
}

type Mix = (own: string) => string;

const around: [string, Mix][] = [
  ["a foreign …-tokenZ before", (own) => `${NAME}Z=evil; ${own}`],
  ["a foreign …-tokenZ after", (own) => `${own}; ${NAME}Z=evil`],
  ["a foreign …-token.z", (own) => `${NAME}.z=evil; ${own}`],
  ["a foreign …-token.0.0", (own) => `${NAME}.0.0=evil; ${own}`],
  ["a foreign …-token.00", (own) => `${NAME}.00=evil; ${own}`],
  ["a stray chunk .9", (own) => `${NAME}.9=evil; ${own}`],
  ["a full stray chunk .3", (own) => `${NAME}.3=${FULL}; ${own}`],
  ["a stray chunk .-1", (own) => `${NAME}.-1=evil; ${own}`],
  ["garbage as the whole cookie before", (own) => `${NAME}=garbage; ${own}`],
  ["garbage as the whole cookie after", (own) => `${own}; ${NAME}=garbage`],
  ["garbage as chunk 0 before", (own) => `${NAME}.0=garbage; ${own}`],
  ["garbage as chunk 0 after", (own) => `${own}; ${NAME}.0=garbage`],
  ["a full garbage chunk 0 before", (own) => `${NAME}.0=${FULL}; ${own}`],
  ["a full garbage chunk 0 after", (own) => `${own}; ${NAME}.0=${FULL}`],
  ["a full garbage chunk 1 before", (own) => `${NAME}.1=${FULL}; ${own}`],
  ["garbage as chunk 2 after", (own) => `${own}; ${NAME}.2=garbage`],
  [
    "every chunk doubled by full garbage",
    (own) => `${[0, 1, 2].map((i) => `${NAME}.${i}=${FULL}`).join("; ")}; ${own}`,
  ],
  ["an empty whole cookie", (own) => `${NAME}=; ${own}`],
  ["an empty chunk 0", (own) => `${NAME}.0=; ${own}`],
  ["the same session twice", (own) => `${own}; ${own}`],
  ["the chunks in reverse", (own) => own.split("; ").reverse().join("; ")],
  ["pairs that are none", (own) => `; =x; novalue; ${own}; ;`],
  ["white space around", (own) => `  ${own.replaceAll("; ", " ;  ")}  `],
  ["another app's cookies", (own) => `a=${NAME}=x; ${own}; theme="dark; light"; __proto__=1; constructor=2`],
];

describe("breaks no session", () => {
  test.each(around)("%s, beside a whole cookie", async (_, mix) => {
    const { world, whole, login } = await sessions();
    expect((await world.ask("/backend/orders", { cookie: mix(whole) })).status).toBe(200);
    expect(login()).toBe("whole");
  });

  test.each(around)("%s, beside three chunks", async (_, mix) => {
    const { world, chunked, login } = await sessions();
    expect((await world.ask("/backend/orders", { cookie: mix(chunked.join("; ")) })).status).toBe(200);
    expect(login()).toBe("chunked");
  });
});

describe("makes no session", () => {
  const broken: [string, (s: { chunked: string[]; whole: string }) => string][] = [
    ["a gap", ({ chunked }) => [chunked[0], chunked[2]].join("; ")],
    ["no chunk 0", ({ chunked }) => chunked.slice(1).join("; ")],
    ["no last chunk", ({ chunked }) => chunked.slice(0, 2).join("; ")],
    [
      "two chunks swapped",
      ({ chunked }) => chunked.join("; ").replace(".0=", ".x=").replace(".1=", ".0=").replace(".x=", ".1="),
    ],
    ["the whole cookie under a foreign name", ({ whole }) => whole.replace(`${NAME}=`, `${NAME}Z=`)],
    ["the whole cookie as .9", ({ whole }) => whole.replace(`${NAME}=`, `${NAME}.9=`)],
    ["the whole cookie as .1", ({ whole }) => whole.replace(`${NAME}=`, `${NAME}.1=`)],
    ["the whole cookie in upper case", ({ whole }) => whole.replace(NAME, NAME.toUpperCase())],
    ["the whole cookie under the https name", ({ whole }) => whole.replace(NAME, COOKIE)],
    [
      "a chunk cut in two",
      ({ whole }) => `${NAME}.0=${whole.slice(whole.indexOf("=") + 1, 200)}; ${NAME}.1=${whole.slice(200)}`,
    ],
    ["two different sessions, whole and chunked", ({ whole, chunked }) => [whole, ...chunked].join("; ")],
    ["two different sessions, the other way round", ({ whole, chunked }) => [...chunked, whole].join("; ")],
  ];
  test.each(broken)("%s", async (_, cookieOf) => {
    const all = await sessions();
    const response = await all.world.ask("/backend/orders", { cookie: cookieOf(all) });
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await outcome(response)).toBe("401 session_required");
    expect(all.world.backend.calls).toEqual([]);
  });

  test("two different whole cookies, in either order", async () => {
    const world = createWorld();
    const [ada, eve] = [await world.signIn({ login: "ada" }), await world.signIn({ login: "eve" })];
    for (const cookie of [
      [ada, eve],
      [eve, ada],
    ].map((both) => both.map(({ jar }) => jar.header()).join("; "))) {
      expect(await outcome(await world.ask("/backend/orders", { cookie }))).toBe("401 session_required");
    }
    expect(world.backend.calls).toEqual([]);
  });
});

test("of two generations of one session the newer counts, in either order", async () => {
  const world = createWorld({ config: { endedCheck: "on-refresh" } });
  const ada = await world.signIn();
  const old = ada.jar.header();
  world.passSeconds(3600);
  await ada.ask("/backend/orders");
  const newest = world.backend.last.accessToken;
  for (const cookie of [`${old}; ${ada.jar.header()}`, `${ada.jar.header()}; ${old}`]) {
    const response = await world.ask("/backend/orders", { cookie });
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
    expect(world.backend.last.accessToken).toBe(newest);
  }
  expect(world.provider.grants).toBe(1);
});

test("foreign names are not ours to remove; our own stray chunks are", async () => {
  const world = createWorld();
  const ada = await world.signIn();
  const foreign = `${COOKIE}Z=x; ${COOKIE}.z=x; theme=dark; ${COOKIE}.100=x`;
  world.passSeconds(3600);
  const response = await ada.ask("/backend/orders", { cookie: `${foreign}; ${COOKIE}.9=x; ${ada.jar.header()}` });
  expect(removedNames(response)).toEqual([`${COOKIE}.9`]);
  expect(parseCookies(ada.jar.header()).map(([name]) => name)).toEqual([COOKIE]);
});
