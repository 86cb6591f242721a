import { describe, expect, test } from "vitest";
import { failures, invalidGrant, pulled, UPSTREAM_SECRET } from "../support/edge-provider";
import { createWorld, gate, outcome } from "../support/edge-world";

const TIMEOUT_MS = 60;
const names = Object.keys(failures) as (keyof typeof failures)[];
const impatient = { config: { refresh: { timeoutMs: TIMEOUT_MS } } };

describe("when the provider", () => {
  test.each(names)("%s, a valid token that is due goes to the backend", async (name) => {
    const world = createWorld(impatient);
    const ada = await world.signIn();
    world.provider.failure = failures[name];
    world.passSeconds(3550);
    const response = await ada.ask("/backend/orders");
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
    await world.settled();
    expect(world.provider.attempts).toBe(1);
  });

  test.each(names)("%s, an expired token is 503 with Retry-After, and the same cookie works later", async (name) => {
    const world = createWorld(impatient);
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    world.provider.failure = failures[name];
    world.passSeconds(3600);
    const startedAtMs = Date.now();
    const response = await ada.ask("/backend/orders");
    expect(Date.now() - startedAtMs).toBeLessThan(1000);
    expect(response.headers.get("retry-after")).toBe(name === "answers 429" ? "7" : "2");
    expect([response.headers.getSetCookie(), ada.jar.header()]).toEqual([[], cookie]);
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ status: 503, code: "provider_unavailable" });
    expect(body + JSON.stringify(world.log)).not.toContain(UPSTREAM_SECRET);
    expect([world.provider.attempts, world.backend.calls.length]).toEqual([1, 0]);
    world.provider.failure = null;
    expect((await world.ask("/backend/orders", { cookie })).status).toBe(200);
    expect([world.provider.attempts, world.provider.grants, world.provider.reuses]).toEqual([2, 1, 0]);
  });

  test.each<[keyof typeof failures, string]>([
    ["answers 500", "bad_response"],
    ["answers HTML", "bad_response"],
    ["answers nothing in 200", "bad_response"],
    ["answers JSON without a token", "bad_response"],
    ["answers 429", "bad_response"],
    ["never answers", "timeout"],
    ["never ends its body", "timeout"],
    ["refuses the connection", "unreachable"],
    ["cuts its body", "unreachable"],
    ["answers invalid_client", "invalid_client"],
    ["answers a challenge", "invalid_client"],
    ["answers unauthorized_client", "unauthorized_client"],
    ["answers an error of its own", "oauth_error"],
  ])("%s, the log has the cause %s", async (name, cause) => {
    const world = createWorld(impatient);
    const ada = await world.signIn();
    world.provider.failure = failures[name];
    world.passSeconds(3600);
    await ada.ask("/backend/orders");
    expect(world.log).toContainEqual({ level: "error", event: "refresh_failed", cause, provider: "oidc" });
  });

  test("answers 10 MB, no more than a few hundred KB of it are read", async () => {
    const world = createWorld(impatient);
    const ada = await world.signIn();
    world.provider.failure = failures["answers 10 MB"];
    world.passSeconds(3600);
    pulled.bytes = 0;
    await ada.ask("/backend/orders");
    expect(pulled.bytes).toBeGreaterThan(256 * 1024);
    expect(pulled.bytes).toBeLessThan(512 * 1024);
  });

  test.each([
    ["7", "7"],
    ["0", "1"],
    ["86400", "60"],
    ["-1", "2"],
    ["soon", "2"],
    ["Wed, 21 Oct 2030 07:28:00 GMT", "2"],
    ["1\u00a0", "2"],
  ])("asks to wait %s, ours is Retry-After %s", async (theirs, ours) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.provider.failure = () => new Response("", { status: 429, headers: { "retry-after": theirs } });
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).headers.get("retry-after")).toBe(ours);
  });

  test("is slow, 50 requests with an expired token wait for one grant", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { closed, open } = gate();
    world.provider.gate = closed;
    world.passSeconds(3600);
    const responses = Array.from({ length: 50 }, () => ada.ask("/backend/orders"));
    await expect.poll(() => world.provider.attempts).toBe(1);
    expect(world.backend.calls.length).toBe(0);
    open();
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect([world.provider.attempts, world.provider.grants]).toEqual([1, 1]);
  });

  test("fails in the background, the next attempt waits 5 s, or as long as it asks", async () => {
    const world = createWorld({ config: { refresh: { aheadSeconds: 600 } } });
    const ada = await world.signIn();
    const attemptsAfter = async (seconds: number): Promise<number> => {
      world.passSeconds(seconds);
      expect((await ada.ask("/backend/orders")).status).toBe(200);
      await world.settled();
      return world.provider.attempts;
    };
    world.provider.failure = failures["answers 500"];
    expect(await attemptsAfter(3100)).toBe(1);
    expect(await attemptsAfter(4)).toBe(1);
    world.provider.failure = () => new Response("", { status: 429, headers: { "retry-after": "20" } });
    expect(await attemptsAfter(1)).toBe(2);
    expect(await attemptsAfter(19)).toBe(2);
    world.provider.failure = null;
    expect(await attemptsAfter(1)).toBe(3);
    expect(await attemptsAfter(0)).toBe(3);
    expect(world.provider.grants).toBe(1);
  });

  test("fails for one user, another is refreshed", async () => {
    const world = createWorld();
    const [ada, bob] = [await world.signIn({ login: "ada" }), await world.signIn({ login: "bob" })];
    world.provider.failure = invalidGrant;
    world.passSeconds(3600);
    expect((await ada.ask("/backend/orders")).status).toBe(401);
    world.provider.failure = null;
    expect((await bob.ask("/backend/orders")).status).toBe(200);
  });

  test("has an error that is no invalid_grant by one letter, the session lives", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.provider.failure = () => new Response('{"error":"invalid_grants"}', { status: 400 });
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("503 provider_unavailable");
  });
});
