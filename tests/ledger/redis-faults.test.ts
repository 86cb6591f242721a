import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { redisLedger } from "../../edge/ledger/redis";
import { openBench } from "./bench";
import { redisBench } from "./redis-bench";

const TIMEOUT_MS = 150;
const bench = redisBench({ timeoutMs: TIMEOUT_MS });

/** Every operation says the same, nobody is granted anything, and nothing is thrown. */
async function expectUnavailable(cause: string, open: Parameters<typeof openBench>[0] = bench): Promise<void> {
  const { provider, ledgers, sid, first } = await openBench(open);
  const [ledger] = ledgers;
  expect(await ledger.read(sid)).toEqual({ status: "unavailable", cause });
  expect(await ledger.advance(sid, first)).toEqual({ status: "unavailable", cause });
  expect(await ledger.keep(sid, first)).toBe(false);
  expect(await ledger.end(sid)).toEqual({ ended: false, newest: null });
  expect(provider.grants).toBe(0);
}

afterEach(async () => {
  Object.assign(bench.rest.controls, { delayMs: 0, failStatus: null, hang: false, loseAnswers: 0 });
});

describe("redis: a store in trouble ends no session", () => {
  it("says that its token is refused", async () => {
    await expectUnavailable("redis_unauthorized", {
      open: async (context, handles) => {
        const ledger = redisLedger({ url: bench.rest.url, token: "another-token" }).open(context);
        return Array.from({ length: handles }, () => ledger);
      },
    });
  });

  it("says that Redis gave no answer in time", async () => {
    bench.rest.controls.hang = true;
    const startMs = performance.now();
    await expectUnavailable("redis_timeout");
    // read 1, advance 1, keep 2, end 2: the last two try again.
    expect(performance.now() - startMs).toBeLessThan(6 * TIMEOUT_MS + 500);
  });

  it("says that Redis answers with an error", async () => {
    bench.rest.controls.failStatus = 500;
    await expectUnavailable("redis_error");
  });

  it("says that the REST front can't be reached", async () => {
    await bench.rest.stop();
    await expectUnavailable("redis_unreachable").finally(() => bench.rest.restart());
  });

  it("says that Redis behind the front has stopped", async () => {
    await bench.redis.stop();
    await expectUnavailable("redis_error").finally(() => bench.redis.restartEmpty());
  });

  it.each([
    ["an HTML page", "<html>"],
    ["an answer of another shape", '{"result":"nonsense"}'],
    ["an unknown word", '{"result":["surprise"]}'],
    ["a word without its value", '{"result":["live"]}'],
    ["an error under 200", '{"error":"ERR no"}'],
    ["nothing", ""],
  ])("takes %s for an error", async (_, body) => {
    const server = createServer((_, response) => void response.end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expectUnavailable("redis_error", {
      open: async (context, handles) =>
        Array.from({ length: handles }, () => redisLedger({ url, token: "t" }).open(context)),
    }).finally(() => server.close());
  });
});

describe("redis: coming back", () => {
  it("lets sessions live on after Redis has restarted empty", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const second = await ledgers[0].advance(sid, first);
    if (second.status !== "live") throw new Error("not live");
    await bench.redis.restartEmpty();
    expect(await ledgers[0].read(sid)).toEqual({ status: "unknown" });
    expect(await ledgers[1].advance(sid, second.entry)).toMatchObject({ status: "live", entry: { generation: 3 } });
    expect(provider).toMatchObject({ grants: 2, reuses: 0 });
  });

  it("gives back a lease that it got too late to use", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    bench.rest.controls.delayMs = 2 * TIMEOUT_MS;
    expect(await ledgers[0].advance(sid, first)).toEqual({ status: "unavailable", cause: "redis_timeout" });
    bench.rest.controls.delayMs = 0;
    await vi.waitFor(async () => expect(await ledgers[1].advance(sid, first)).toMatchObject({ status: "live" }));
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("takes the lease that it was given although the first answer is lost", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    bench.rest.controls.loseAnswers = 1;
    expect(await ledgers[0].advance(sid, first)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("gives back a lease that it never heard of", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    bench.rest.controls.loseAnswers = 2;
    expect(await ledgers[0].advance(sid, first)).toEqual({ status: "unavailable", cause: "redis_unreachable" });
    await vi.waitFor(async () => expect(await ledgers[1].advance(sid, first)).toMatchObject({ status: "live" }));
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("records a grant although the first answer is lost", async () => {
    const { provider, ledgers, sid, first, warnings } = await openBench(bench);
    const held = provider.holdNext();
    const call = ledgers[0].advance(sid, first);
    await held.arrived;
    bench.rest.controls.loseAnswers = 1;
    held.release();
    const result = await call;
    expect(result).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(await ledgers[1].read(sid)).toEqual(result);
    expect(warnings).toEqual([]);
  });

  it("gives its callers the tokens of a grant that it could not record, and says so", async () => {
    const { provider, ledgers, sid, first, warnings, discarded } = await openBench(bench);
    const held = provider.holdNext();
    const calls = [ledgers[0].advance(sid, first), ledgers[0].advance(sid, first)];
    await held.arrived;
    bench.rest.controls.failStatus = 500;
    held.release();
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({ status: "live", entry: { tokens: { refreshToken: "refresh.family-1.2" } } });
    }
    expect(warnings).toEqual(["ledger_commit_failed"]);
    expect(discarded).toEqual([]);
  });

  it("serves a grant that it could not record to later callers, and records it when Redis is back", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const held = provider.holdNext();
    const call = ledgers[0].advance(sid, first);
    await held.arrived;
    bench.rest.controls.failStatus = 500;
    held.release();
    await call;
    expect(await ledgers[0].read(sid)).toMatchObject({ status: "live", entry: { generation: 2 } });
    bench.rest.controls.failStatus = null;
    expect(await ledgers[0].advance(sid, first)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(await ledgers[1].advance(sid, first)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("ends nothing on a refusal that it could not record", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const held = provider.holdNext();
    const call = ledgers[0].advance(sid, first);
    await held.arrived;
    bench.rest.controls.failStatus = 500;
    held.release({ status: "rejected" });
    expect(await call).toEqual({ status: "unavailable", cause: "redis_error" });
  });

  it("passes on what a refresh throws, and lets the next caller try", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    provider.throwNext(new RangeError("a bug"));
    await expect(ledgers[0].advance(sid, first)).rejects.toThrow("a bug");
    expect(await ledgers[1].advance(sid, first)).toMatchObject({ status: "live" });
  });
});

describe("redis: holders that overlap", () => {
  it("times leases by Redis's clock, whatever a process believes", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const [fast] = await bench.open(
      {
        refresh: provider.refresh,
        discard: async () => {},
        nowMs: () => Date.now() + 3_600_000,
        fetch,
        sessionMaxAgeSeconds: 3600,
        leaseMs: 10_000,
        secrets: ["a-secret-of-more-than-thirty-two-characters"],
        warn: () => {},
      },
      1,
    );
    const held = provider.holdNext();
    const slow = ledgers[0].advance(sid, first);
    await held.arrived;
    const early = fast?.advance(sid, first);
    await bench.allHaveAsked(1);
    held.release();
    expect(await early).toEqual(await slow);
    expect(provider.grants).toBe(1);
  });
});
