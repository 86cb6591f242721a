import { describe, expect, test } from "vitest";
import { tokensIn } from "../support/edge-leaks";
import { failures, invalidGrant, json } from "../support/edge-provider";
import { type AskOptions, createWorld, gate } from "../support/edge-world";

type World = ReturnType<typeof createWorld>;

/** Everything that a browser and a log reader can get in a flow; the world looks at headers and log itself. */
async function seen(world: World, responses: readonly Response[]): Promise<string> {
  await world.settled();
  const bodies = await Promise.all(responses.map((response) => response.text()));
  return [...bodies, ...world.responseHeaders, JSON.stringify(world.log)].join("\n");
}

const flows: [string, (world: World) => Promise<Response[]>][] = [
  [
    "fresh, due, expired, the old cookie",
    async (world) => {
      const ada = await world.signIn();
      const cookie = ada.jar.header();
      const responses = [await ada.ask("/backend/a")];
      for (const seconds of [3550, 3600, 0]) {
        world.passSeconds(seconds);
        responses.push(await ada.ask("/backend/a"), await world.ask("/backend/a", { cookie }));
        await world.settled();
      }
      return responses;
    },
  ],
  [
    "every outage, and invalid_grant",
    async (world) => {
      const responses: Response[] = [];
      for (const failure of [...Object.values(failures), invalidGrant]) {
        const ada = await world.signIn();
        world.provider.failure = failure;
        world.passSeconds(3550);
        responses.push(await ada.ask("/backend/due"));
        await world.settled();
        world.passSeconds(3600);
        responses.push(await ada.ask("/backend/expired"));
      }
      return responses;
    },
  ],
  [
    "odd refresh answers",
    async (world) => {
      const responses: Response[] = [];
      for (const override of [{ token_type: "mac" }, { scope: ["a"] }, { refresh_token: 5 }, { expires_in: "x" }]) {
        const ada = await world.signIn();
        world.provider.override = override;
        world.passSeconds(3600);
        responses.push(await ada.ask("/backend/odd"));
      }
      return responses;
    },
  ],
  [
    "refusals",
    async (world) => {
      const ada = await world.signIn();
      const asks: [string, AskOptions][] = [
        ["/backend/x", { headers: { "sec-fetch-site": "cross-site" } }],
        ["/backend/x", { target: "/backend/../x" }],
        ["/backend/x", { method: "OPTIONS" }],
        ["/backend/x", { headers: { upgrade: "websocket" } }],
        ["/backend/x", { method: "POST", body: "x".repeat(100), bodyLimitBytes: 10 }],
      ];
      return Promise.all(asks.map(([path, options]) => ada.ask(path, options)));
    },
  ],
  [
    "a backend that refuses, redirects, fails, times out",
    async (world) => {
      const ada = await world.signIn();
      const responses: Response[] = [];
      const respond: World["backend"]["respond"][] = [
        () => new Response("no", { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } }),
        () => new Response(null, { status: 302, headers: { location: "https://evil.test/" } }),
        ({ accessToken }) => Promise.reject(new TypeError(`failed with ${accessToken}`)),
        () => new Promise(() => {}),
      ];
      for (const answer of respond) {
        world.backend.respond = answer;
        responses.push(await ada.ask("/backend/x"));
      }
      return responses;
    },
  ],
  [
    "sign-out with a refresh in flight",
    async (world) => {
      const ada = await world.signIn();
      const { closed, open } = gate();
      world.provider.gate = closed;
      world.passSeconds(3600);
      const waiting = ada.ask("/backend/x");
      await expect.poll(() => world.provider.attempts).toBe(1);
      await world.gateway.signOut(ada.claims.gateway);
      open();
      return [await waiting, await ada.ask("/backend/x")];
    },
  ],
  [
    "a large session, written and removed",
    async (world) => {
      world.provider.accessTokenBytes = 6000;
      const ada = await world.signIn();
      world.passSeconds(3600);
      const responses = [await ada.ask("/backend/x")];
      world.provider.failure = invalidGrant;
      world.passSeconds(3600);
      responses.push(await ada.ask("/backend/x"));
      return responses;
    },
  ],
];

describe("no response and no log line holds a token, in the clear or encoded, in", () => {
  test.each(flows)("%s", async (_, flow) => {
    const world = createWorld({ backend: { timeoutMs: 30 }, config: { refresh: { timeoutMs: 60 } } });
    const responses = await flow(world);
    expect(responses.length).toBeGreaterThan(1);
    expect(world.provider.issued.size).toBeGreaterThan(1);
    expect(tokensIn(await seen(world, responses), world.provider.issued)).toEqual([]);
  });
});

describe("the search for tokens finds one", () => {
  const token = "at-0123456789abcdef~+/=";
  const base64 = (text: string): string => btoa(text);
  test.each([
    ["in the clear", `x${token}y`],
    ["in base64", base64(token)],
    ["in base64 after one character", base64(`"${token}"`)],
    ["in base64 after two characters", base64(`{"${token}"}`)],
    ["in base64 amid JSON", base64(JSON.stringify({ access_token: token, token_type: "Bearer" }))],
    ["in base64url", base64(`{"t":"${token}"}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")],
    ["percent-encoded", `?t=${encodeURIComponent(token)}`],
    ["percent-encoded byte by byte", [...token].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("")],
    ["in hex", [...token].map((c) => c.charCodeAt(0).toString(16)).join("")],
  ])("%s", (_, text) => {
    expect(tokensIn(text, [token, "at-another"])).toEqual([token]);
  });

  test("in what a backend echoes, which is the backend's to answer for", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = ({ accessToken }) => json(200, { accessToken });
    const text = await (await ada.ask("/backend/echo")).text();
    expect(tokensIn(text, world.provider.issued)).toEqual([ada.claims.gateway.tokens?.accessToken]);
  });
});

test("the backend never sees a refresh token, a cookie or a session id", async () => {
  const world = createWorld();
  const ada = await world.signIn();
  for (const seconds of [0, 3550, 3600, 3600]) {
    world.passSeconds(seconds);
    await ada.ask("/backend/orders?x=1", { method: "POST", body: "a=1", headers: { "content-length": "3" } });
    await world.settled();
  }
  const calls = JSON.stringify(world.backend.calls.map(({ headers, target, body }) => [headers, target, body]));
  const refreshTokens = [...world.provider.issued].filter((token) => token.startsWith("rt-"));
  expect(refreshTokens.length).toBe(4);
  expect(tokensIn(calls, [...refreshTokens, ada.claims.gateway.sid])).toEqual([]);
  expect(calls).not.toMatch(/session-token|cookie/i);
});
