import { describe, expect, test } from "vitest";
import { memoryLedger } from "@/edge";
import { removedNames, writtenNames } from "../support/edge-cookies";
import { sharedLedger } from "../support/edge-ledger";
import { failures, invalidGrant } from "../support/edge-provider";
import { type AskOptions, COOKIE, createWorld, gate, outcome, type Visitor } from "../support/edge-world";

type World = ReturnType<typeof createWorld>;

/** The backend takes every token but the one of the sign-in. */
function refuseFirstToken(world: World, visitor: Visitor): void {
  const old = visitor.claims.gateway.tokens?.accessToken;
  world.backend.respond = ({ accessToken }) =>
    accessToken === old ? new Response("refused", { status: 401 }) : new Response("taken");
}

const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(7);

const streamed = (): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(bytes(10));
      controller.close();
    },
  });

describe("a backend's 401", () => {
  const replayable: [string, AskOptions][] = [
    ["a GET", {}],
    ["a DELETE without a body", { method: "DELETE" }],
    ["a POST without a body", { method: "POST" }],
    ["a POST of 10 bytes", { method: "POST", body: bytes(10), headers: { "content-length": "10" } }],
    ["a PUT of 64 KiB", { method: "PUT", body: bytes(65_536), headers: { "content-length": "65536" } }],
  ];
  test.each(replayable)("is followed by one refresh and one retry for %s", async (_, options) => {
    const world = createWorld();
    const ada = await world.signIn();
    refuseFirstToken(world, ada);
    const response = await ada.ask("/backend/orders?x=1", options);
    expect(await response.text()).toBe("taken");
    expect(writtenNames(response)).toEqual([COOKIE]);
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([2, 1]);
    const [first, second] = world.backend.calls;
    const { authorization: _first, ...firstHeaders } = first?.headers ?? {};
    const { authorization: _second, ...secondHeaders } = second?.headers ?? {};
    expect([second?.method, second?.target, secondHeaders]).toEqual([first?.method, first?.target, firstHeaders]);
    expect(second?.body).toEqual(first?.body);
    expect(second?.body?.byteLength ?? 0).toBe(Number(options.headers?.["content-length"] ?? 0));
  });

  const streams: [string, AskOptions][] = [
    ["a chunked POST", { method: "POST", body: streamed() }],
    ["a POST above 64 KiB", { method: "POST", body: bytes(65_537), headers: { "content-length": "65537" } }],
  ];
  test.each(streams)(
    "passes for %s, which can't be sent twice, and the next one has the new token",
    async (_, options) => {
      const world = createWorld();
      const ada = await world.signIn();
      refuseFirstToken(world, ada);
      const response = await ada.ask("/backend/orders", options);
      expect([response.status, await response.text()]).toEqual([401, "refused"]);
      expect(writtenNames(response)).toEqual([COOKIE]);
      expect([world.backend.calls.length, world.provider.attempts]).toEqual([1, 1]);
      expect(await (await ada.ask("/backend/orders")).text()).toBe("taken");
      expect(world.provider.attempts).toBe(1);
    },
  );

  test("passes when the new token is refused too, with one grant in 20 requests", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response("no", { status: 401 });
    for (let i = 0; i < 20; i++) {
      const response = await ada.ask("/backend/orders");
      expect([response.status, await response.text()]).toEqual([401, "no"]);
    }
    expect([world.provider.grants, world.backend.calls.length]).toEqual([1, 21]);
    world.passSeconds(30);
    await ada.ask("/backend/orders");
    expect([world.provider.grants, world.backend.calls.length]).toEqual([2, 23]);
  });

  test("that comes after another request has refreshed costs no grant", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const [slow, arrived] = [gate(), gate()];
    refuseFirstToken(world, ada);
    const { respond } = world.backend;
    world.backend.respond = async (call) => {
      arrived.open();
      await slow.closed;
      return respond(call);
    };
    const waiting = ada.ask("/backend/slow");
    await arrived.closed;
    world.backend.respond = respond;
    world.passSeconds(3600);
    expect(await (await ada.ask("/backend/orders")).text()).toBe("taken");
    slow.open();
    expect(await (await waiting).text()).toBe("taken");
    expect([world.provider.attempts, world.provider.reuses]).toEqual([1, 0]);
  });

  test("costs 20 concurrent requests one grant", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    refuseFirstToken(world, ada);
    const responses = await Promise.all(Array.from({ length: 20 }, () => ada.ask("/backend/orders")));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect([world.provider.grants, world.provider.reuses]).toEqual([1, 0]);
  });

  test("of one user costs another user nothing", async () => {
    const world = createWorld();
    const [ada, bob] = [await world.signIn({ login: "ada" }), await world.signIn({ login: "bob" })];
    world.backend.respond = () => new Response(null, { status: 401 });
    await ada.ask("/backend/orders");
    await bob.ask("/backend/orders");
    expect(world.provider.grants).toBe(2);
  });

  test.each(Object.keys(failures).slice(0, 4))("passes when the provider %s", async (name) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response("refused", { status: 401 });
    world.provider.failure = failures[name as keyof typeof failures];
    const response = await ada.ask("/backend/orders");
    expect([response.status, await response.text()]).toEqual([401, "refused"]);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(world.backend.calls.length).toBe(1);
    world.provider.failure = null;
    world.backend.respond = () => new Response("taken");
    expect(await (await ada.ask("/backend/orders")).text()).toBe("taken");
  });

  test("that can't be mended now does not cost the generation that this request has refreshed", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => {
      world.provider.failure = failures["answers 500"];
      return new Response("refused", { status: 401 });
    };
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders");
    expect([response.status, writtenNames(response)]).toEqual([401, [COOKIE]]);
    expect([world.provider.attempts, world.provider.grants]).toEqual([2, 1]);
  });

  test("with invalid_grant at the provider is 401 session_expired and ends the session", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response("refused", { status: 401 });
    world.provider.failure = invalidGrant;
    const response = await ada.ask("/backend/orders");
    expect(removedNames(response)).toEqual([COOKIE]);
    expect(await outcome(response)).toBe("401 session_expired");
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([1, 1]);
  });

  test.each([400, 403, 404, 500])("is the only status that is retried: %i passes", async (status) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response("x", { status });
    expect((await ada.ask("/backend/orders")).status).toBe(status);
    expect([world.backend.calls.length, world.provider.attempts]).toEqual([1, 0]);
  });

  test("for an old cookie gets the ledger's newer token within the pause, without a grant", async () => {
    const { engine } = sharedLedger(memoryLedger());
    const world = createWorld({ config: { ledger: engine, endedCheck: "on-refresh" } });
    const ada = await world.signIn();
    const cookie = ada.jar.header();
    refuseFirstToken(world, ada);
    for (let i = 0; i < 3; i++) {
      const response = await world.ask("/backend/orders", { cookie });
      expect([response.status, writtenNames(response)]).toEqual([200, [COOKIE]]);
    }
    expect(world.provider.grants).toBe(1);
  });
});
