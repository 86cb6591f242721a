import { describe, expect, test } from "vitest";
import { createWorld, gate, outcome } from "../support/edge-world";

const text = new TextEncoder();
const never = (): Promise<Response> => new Promise(() => {});

describe("a backend that", () => {
  test("can't be reached is 502", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => Promise.reject(new TypeError("fetch failed: ECONNREFUSED 10.0.0.1"));
    const response = await ada.ask("/backend/orders");
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(await response.clone().text()).not.toContain("ECONNREFUSED");
    expect(await outcome(response)).toBe("502 upstream_unreachable");
  });

  test("is slow to answer is 504, and its request is aborted", async () => {
    const world = createWorld({ backend: { timeoutMs: 30 } });
    const ada = await world.signIn();
    world.backend.respond = never;
    const startedAtMs = Date.now();
    expect(await outcome(await ada.ask("/backend/orders"))).toBe("504 upstream_timeout");
    expect(Date.now() - startedAtMs).toBeLessThan(1000);
    expect(world.backend.last.signal.aborted).toBe(true);
  });

  test("is slow to answer keeps a session that was just refreshed", async () => {
    const world = createWorld({ backend: { timeoutMs: 30 } });
    const ada = await world.signIn();
    world.passSeconds(3600);
    world.backend.respond = never;
    const response = await ada.ask("/backend/orders");
    expect([response.status, response.headers.getSetCookie().length]).toEqual([504, 1]);
  });

  test("answers its headers in time may take longer for its body", async () => {
    const world = createWorld({ backend: { timeoutMs: 30 } });
    const ada = await world.signIn();
    const { closed, open } = gate();
    world.backend.respond = () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await closed;
            controller.enqueue(text.encode("late"));
            controller.close();
          },
        }),
      );
    const response = await ada.ask("/backend/orders");
    await new Promise((resolve) => setTimeout(resolve, 60));
    open();
    expect(await response.text()).toBe("late");
    expect(world.backend.last.signal.aborted).toBe(false);
  });
});

describe("a client that goes away", () => {
  test("while the backend thinks aborts its request: 499", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const arrived = gate();
    world.backend.respond = () => {
      arrived.open();
      return never();
    };
    const controller = new AbortController();
    const answered = ada.ask("/backend/orders", { signal: controller.signal });
    await arrived.closed;
    expect(world.backend.last.signal.aborted).toBe(false);
    controller.abort();
    expect(await outcome(await answered)).toBe("499 client_closed");
    expect(world.backend.last.signal.aborted).toBe(true);
  });

  test("while the body streams aborts the backend's stream", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    world.backend.respond = () => new Response(new ReadableStream({ pull: (c) => c.enqueue(text.encode("x")) }));
    const controller = new AbortController();
    const response = await ada.ask("/backend/orders", { signal: controller.signal });
    expect(response.status).toBe(200);
    controller.abort();
    expect(world.backend.last.signal.aborted).toBe(true);
    await response.body?.cancel();
  });

  test("by dropping the response cancels the backend's body", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    let isCancelled = false;
    world.backend.respond = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(text.encode("x")),
          cancel() {
            isCancelled = true;
          },
        }),
      );
    const response = await ada.ask("/backend/orders");
    await response.body?.cancel();
    expect(isCancelled).toBe(true);
  });

  test("while its session is refreshed sends nothing to the backend, and the refresh is kept", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { closed, open } = gate();
    world.provider.gate = closed;
    world.passSeconds(3600);
    const controller = new AbortController();
    const answered = ada.ask("/backend/orders", { signal: controller.signal });
    await expect.poll(() => world.provider.attempts).toBe(1);
    controller.abort();
    open();
    expect(await outcome(await answered)).toBe("499 client_closed");
    expect(world.backend.calls).toEqual([]);
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    expect([world.provider.grants, world.provider.reuses]).toEqual([1, 0]);
  });

  test("before it is answered, without a session, is 401", async () => {
    const world = createWorld();
    const signal = AbortSignal.abort();
    expect(await outcome(await world.ask("/backend/orders", { signal }))).toBe("401 session_required");
  });
});

describe("server-sent events", () => {
  test("arrive one by one, each when it is sent", async () => {
    const world = createWorld();
    const ada = await world.signIn();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    world.backend.respond = () => new Response(readable, { headers: { "content-type": "text/event-stream" } });
    const response = await ada.ask("/backend/events", {
      headers: { accept: "text/event-stream", "last-event-id": "7" },
    });
    expect(world.backend.last.headers["last-event-id"]).toBe("7");
    const writer = writable.getWriter();
    const reader = response.body?.getReader();
    for (let i = 0; i < 5; i++) {
      const event = `data: ${i}\n\n`;
      void writer.write(text.encode(event));
      const read = await reader?.read();
      expect(new TextDecoder().decode(read?.value)).toBe(event);
    }
    void writer.close();
    expect((await reader?.read())?.done).toBe(true);
  });
});

test("a large download is pulled as it is read, not ahead", async () => {
  const world = createWorld();
  const ada = await world.signIn();
  const MB = 1024 * 1024;
  let sent = 0;
  world.backend.respond = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          if (sent === 100 * MB) return controller.close();
          sent += MB;
          controller.enqueue(new Uint8Array(MB));
        },
      }),
    );
  const reader = (await ada.ask("/backend/file")).body?.getReader();
  let received = 0;
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    received += read.value.byteLength;
    expect(sent - received).toBeLessThanOrEqual(4 * MB);
  }
  expect(received).toBe(100 * MB);
});
