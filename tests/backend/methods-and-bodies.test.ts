import { describe, expect, test } from "vitest";
import { ConfigError } from "@/edge";
import { type AskOptions, createWorld, outcome } from "../support/edge-world";

const LIMIT = 100_000;

/** A body of `total` bytes in chunks; `taken` counts what was pulled out of it. */
function chunks(total: number, size = 10_000): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken >= total) return controller.close();
      const bytes = new Uint8Array(Math.min(size, total - taken)).map((_, i) => (taken + i) % 251);
      taken += bytes.byteLength;
      controller.enqueue(bytes);
    },
  });
  return { stream, taken: () => taken };
}

describe("a method", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])("%s is forwarded", async (method) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response(null);
    expect((await ada.ask("/backend/orders", { method })).status).toBe(200);
    expect(world.backend.last.method).toBe(method);
  });

  test.each(["OPTIONS", "PROPFIND", "QUERY", "FOO"])("%s is 405 with Allow", async (method) => {
    const world = createWorld();
    const ada = await world.signIn();
    world.passSeconds(3600);
    const response = await ada.ask("/backend/orders", { method });
    expect(response.headers.get("allow")).toBe("GET, HEAD, POST, PUT, PATCH, DELETE");
    expect(await outcome(response)).toBe("405 method_not_allowed");
    expect(world.fetched).toEqual([]);
  });

  test("is judged by the backend's own list", async () => {
    const world = createWorld({ backend: { methods: ["GET", "QUERY"] } });
    const ada = await world.signIn();
    const response = await ada.ask("/backend/orders", { method: "DELETE" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, QUERY"]);
    expect((await ada.ask("/backend/orders", { method: "QUERY" })).status).toBe(200);
    expect(world.backend.calls.length).toBe(1);
  });

  test.each(["CONNECT", "TRACE", "TRACK", "get", "", "A B"])("%j can't be configured", (method) => {
    expect(() => createWorld({ backend: { methods: ["GET", method] } })).toThrow(
      new ConfigError("backends: /backend/", `may not take the method "${method}"`),
    );
  });
});

test("an upgrade is 501 where the host can't forward one", async () => {
  const world = createWorld();
  const ada = await world.signIn();
  world.passSeconds(3600);
  const headers = { upgrade: "websocket", connection: "upgrade" };
  expect(await outcome(await ada.ask("/backend/socket", { headers }))).toBe("501 upgrade_unsupported");
  expect(world.fetched).toEqual([]);
});

describe("a body", () => {
  const sizes: [string, number, boolean][] = [
    ["small, with its length", 1000, true],
    ["large, with its length", 90_000, true],
    ["at the limit, with its length", LIMIT, true],
    ["chunked", 1000, false],
    ["chunked and at the limit", LIMIT, false],
  ];
  test.each(sizes)("that is %s arrives whole", async (_, length, isDeclared) => {
    for (const bodyLimitBytes of [LIMIT, null]) {
      const world = createWorld();
      const ada = await world.signIn();
      const expected = new Uint8Array(await new Response(chunks(length).stream).arrayBuffer());
      const headers: AskOptions["headers"] = isDeclared ? { "content-length": String(length) } : {};
      const body = chunks(length).stream;
      const response = await ada.ask("/backend/orders", { method: "POST", body, headers, bodyLimitBytes });
      expect(response.status).toBe(200);
      expect(world.backend.last.body).toEqual(expected);
    }
  });

  test("above the limit with a Content-Length is 413, and the backend sees nothing", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { stream, taken } = chunks(LIMIT + 1);
    const headers = { "content-length": String(LIMIT + 1) };
    const options = { method: "POST", body: stream, headers, bodyLimitBytes: LIMIT };
    expect(await outcome(await ada.ask("/backend/orders", options))).toBe("413 body_too_large");
    expect(world.backend.calls).toEqual([]);
    expect(taken()).toBeLessThanOrEqual(10_000);
  });

  test("above the limit in chunks is 413, and the backend sees nothing whole", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { stream, taken } = chunks(LIMIT * 100);
    const startedAtMs = Date.now();
    const response = await ada.ask("/backend/orders", { method: "POST", body: stream, bodyLimitBytes: LIMIT });
    expect(await outcome(response)).toBe("413 body_too_large");
    expect(Date.now() - startedAtMs).toBeLessThan(1000);
    expect(world.backend.calls.filter((call) => call.isComplete)).toEqual([]);
    expect(world.backend.last.signal.aborted).toBe(true);
    expect(taken()).toBeLessThan(2 * LIMIT);
  });

  test("one byte above the limit in chunks is 413", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const body = chunks(LIMIT + 1).stream;
    const response = await ada.ask("/backend/orders", { method: "POST", body, bodyLimitBytes: LIMIT });
    expect(await outcome(response)).toBe("413 body_too_large");
    expect(world.backend.calls.filter((call) => call.isComplete)).toEqual([]);
  });

  test.each([
    ["longer", 1001],
    ["shorter", 999],
  ])("that is %s than its Content-Length is refused", async (_, length) => {
    const world = createWorld();
    const ada = await world.signIn();
    const headers = { "content-length": "1000" };
    const response = await ada.ask("/backend/orders", { method: "POST", body: chunks(length).stream, headers });
    expect(await outcome(response)).toBe("413 body_too_large");
    expect(world.backend.calls).toEqual([]);
  });

  test("that is large and longer than its Content-Length is refused where there is a limit", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const options = { headers: { "content-length": "70000" }, bodyLimitBytes: LIMIT };
    const response = await ada.ask("/backend/orders", { method: "POST", body: chunks(80_000).stream, ...options });
    expect(await outcome(response)).toBe("413 body_too_large");
    expect(world.backend.calls.filter((call) => call.isComplete)).toEqual([]);
  });

  test("is streamed, not gathered: the backend has the first chunk before the last was sent", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const answered = ada.ask("/backend/orders", { method: "POST", body: readable });
    await writer.write(new Uint8Array(10));
    expect([world.backend.calls.length, world.backend.last.isComplete]).toEqual([1, false]);
    await writer.write(new Uint8Array(10));
    await writer.close();
    expect((await answered).status).toBe(200);
    expect(world.backend.last.body?.byteLength).toBe(20);
  });

  test("of a request without a session is not read", async () => {
    const world = createWorld();
    const { stream, taken } = chunks(LIMIT);
    const headers = { "content-length": String(LIMIT) };
    const response = await world.ask("/backend/orders", { method: "POST", body: stream, headers });
    expect(await outcome(response)).toBe("401 session_required");
    expect(taken()).toBeLessThanOrEqual(10_000);
  });
});
