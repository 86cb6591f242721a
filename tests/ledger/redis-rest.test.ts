import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedisRest } from "../../edge/ledger/redis-rest";
import { startRedis, startRedisRest } from "../support/redis-rest.mjs";

/** Upstash's own client on the same front: what it accepts there, and what we send there, is one protocol. */
describe("our REST client and Upstash's", () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let rest: Awaited<ReturnType<typeof startRedisRest>>;
  beforeAll(async () => {
    redis = await startRedis();
    rest = await startRedisRest({ redis, token: "the-token" });
  });
  afterAll(async () => {
    await rest.stop();
    await redis.close();
  });

  it("get the same answers to a script", async () => {
    const script = "return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false}";
    const theirs = new Redis({
      url: rest.url,
      token: rest.token,
      enableTelemetry: false,
      automaticDeserialization: false,
    });
    const ours = createRedisRest({ url: rest.url, token: rest.token, timeoutMs: 2_000, fetch });
    const expected = ["key", "ä é", 7, null];
    expect(await theirs.eval(script, ["key"], ["ä é", "7"])).toEqual(expected);
    expect(await ours(["EVAL", script, "1", "key", "ä é", "7"])).toEqual({ result: expected });
  });

  it("are both refused with another token", async () => {
    const theirs = new Redis({ url: rest.url, token: "another", enableTelemetry: false, retry: false });
    const ours = createRedisRest({ url: rest.url, token: "another", timeoutMs: 2_000, fetch });
    await expect(theirs.get("key")).rejects.toThrow();
    expect(await ours(["GET", "key"])).toEqual({ cause: "redis_unauthorized" });
  });
});
