import { describe, expect, it } from "vitest";
import { redisFromEnv, redisLedger } from "../../edge/ledger/redis";
import { createEntrySealer, storageName } from "../../edge/ledger/sealed-entry";
import { newSessionId } from "../../edge/session/session";
import { openBench, SECRETS } from "./bench";
import { redisBench } from "./redis-bench";

const bench = redisBench();

/** Everything that Redis holds, by key. */
async function dump(): Promise<Record<string, Record<string, string>>> {
  const all: Record<string, Record<string, string>> = {};
  for (const key of (await bench.redis.command("KEYS", "*")) as Buffer[]) {
    const flat = ((await bench.redis.command("HGETALL", key)) as Buffer[]).map(String);
    all[String(key)] = Object.fromEntries(flat.flatMap((name, i) => (i % 2 ? [] : [[name, flat[i + 1] ?? ""]])));
  }
  return all;
}

const ttlOf = async (sid: string) => Number(await bench.redis.command("TTL", `etg:${await storageName(sid)}`));

describe("redis: what it stores", () => {
  it("holds no token and no session id in the clear", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    await ledgers[0].advance(sid, first);
    const text = JSON.stringify(await dump());
    expect(text).toContain('"gen":"2"');
    for (const secret of [sid, "access.", "refresh.", "family-1", "openid", btoa("access.").slice(0, 8)]) {
      expect(text).not.toContain(secret);
    }
  });

  it("can't be opened with the deployment's secret alone", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    await ledgers[0].keep(sid, first);
    const [[key, fields] = ["", {}]] = Object.entries(await dump());
    const sealer = createEntrySealer(SECRETS);
    for (const guess of ["", key, key.slice("etg:".length), newSessionId()]) {
      expect(await sealer.open(guess, fields.entry ?? "")).toEqual({ status: "foreign" });
    }
    expect(await sealer.open(sid, fields.entry ?? "")).toEqual({ status: "opened", entry: first });
  });

  it("gives every key a time to live", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench, { sessionMaxAgeSeconds: 1000, leaseMs: 5_000 });
    const [kept, ended, refused, failed] = Array.from({ length: 4 }, newSessionId) as [string, string, string, string];
    await ledgers[0].advance(sid, first);
    await ledgers[0].keep(kept, first);
    await ledgers[0].end(ended);
    provider.answerNext({ status: "rejected" });
    await ledgers[0].advance(refused, first);
    provider.answerNext({ status: "unavailable", cause: "timeout" });
    await ledgers[0].advance(failed, first);
    for (const each of [sid, kept, ended, refused]) expect([999, 1000]).toContain(await ttlOf(each));
    expect([9, 10]).toContain(await ttlOf(failed));
  });

  it("keeps a session's time to live through a failed refresh, and starts it anew when the session is kept", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench, { sessionMaxAgeSeconds: 1000, leaseMs: 5_000 });
    await ledgers[0].keep(sid, first);
    provider.answerNext({ status: "unavailable", cause: "timeout" });
    await ledgers[0].advance(sid, first);
    expect([999, 1000]).toContain(await ttlOf(sid));
    await bench.redis.command("EXPIRE", `etg:${await storageName(sid)}`, 50);
    expect(await ledgers[0].keep(sid, first)).toBe(true);
    expect([999, 1000]).toContain(await ttlOf(sid));
  });

  it("leaves no token behind when a session ends", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    await ledgers[0].advance(sid, first);
    await ledgers[0].end(sid);
    expect(Object.values(await dump())).toEqual([{ ended: "1" }]);
  });

  it("holds a token set of 200 KB", async () => {
    const { provider, ledgers, sid } = await openBench(bench);
    const large = provider.issue({ padding: 200_000 });
    expect(await ledgers[0].keep(sid, large)).toBe(true);
    expect(await ledgers[1].read(sid)).toEqual({ status: "live", entry: large });
  });

  it("opens what an older secret sealed", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    await ledgers[0].keep(sid, first);
    const rotated = await openBench(bench, { secrets: ["a-newer-secret-of-more-than-32-characters", ...SECRETS] });
    expect(await rotated.ledgers[0].read(sid)).toEqual({ status: "live", entry: first });
  });

  it("refreshes nothing beside an entry that a newer deployment sealed", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    const newer = await openBench(bench, { secrets: ["a-newer-secret-of-more-than-32-characters", ...SECRETS] });
    await newer.ledgers[0].keep(sid, { ...first, generation: 2 });
    const { provider, warnings } = newer;
    expect(await ledgers[0].advance(sid, first)).toEqual({ status: "unavailable", cause: "redis_foreign_secret" });
    expect(await ledgers[0].read(sid)).toEqual({ status: "unavailable", cause: "redis_foreign_secret" });
    expect(provider.grants).toBe(0);
    expect(warnings).toEqual([]);
    expect(await newer.ledgers[0].read(sid)).toMatchObject({ entry: { generation: 2 } });
  });

  it.each(["entry", "gen"])("takes an entry with a damaged %s for none", async (field) => {
    const { provider, ledgers, sid, first, warnings } = await openBench(bench);
    await ledgers[0].keep(sid, first);
    const key = `etg:${await storageName(sid)}`;
    const entry = String(await bench.redis.command("HGET", key, "entry"));
    if (field === "entry") await bench.redis.command("HSET", key, "entry", `${entry.slice(0, -2)}AA`, "gen", 7);
    else await bench.redis.command("HSET", key, "gen", 7);
    expect(await ledgers[0].advance(sid, first)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(await ledgers[1].read(sid)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(provider.grants).toBe(1);
    expect(warnings).toEqual(field === "entry" ? ["ledger_entry_damaged"] : []);
  });
});

describe("redis: what it costs", () => {
  it("makes two calls for a refresh, and one for each other operation", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    const [ledger] = ledgers;
    const countedCalls = async (work: () => Promise<unknown>) => {
      const before = bench.rest.calls;
      await work();
      return bench.rest.calls - before;
    };
    expect(await countedCalls(() => ledger.advance(sid, first))).toBe(2);
    expect(await countedCalls(() => ledger.advance(sid, first))).toBe(1);
    expect(await countedCalls(() => ledger.read(sid))).toBe(1);
    expect(await countedCalls(() => ledger.keep(sid, first))).toBe(1);
    expect(await countedCalls(() => ledger.end(sid))).toBe(1);
  });

  it("polls once for all who wait in one process", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const held = provider.holdNext();
    const holder = ledgers[0].advance(sid, first);
    await held.arrived;
    const before = bench.rest.calls;
    const waiting = Array.from({ length: 100 }, () => ledgers[1].advance(sid, first));
    const release = setTimeout(() => held.release(), 200);
    await Promise.all([holder, ...waiting]);
    clearTimeout(release);
    expect(bench.rest.calls - before).toBeGreaterThan(3);
    expect(bench.rest.calls - before).toBeLessThan(12);
  });
});

describe("redis: its settings", () => {
  const url = "https://redis.example";

  it("is off without variables", () => {
    expect(redisFromEnv({})).toBeUndefined();
  });

  it.each(["UPSTASH_REDIS_REST", "KV_REST_API"])("is on with %s_URL and _TOKEN", (name) => {
    expect(redisFromEnv({ [`${name}_URL`]: url, [`${name}_TOKEN`]: "t" })).toMatchObject({
      name: "redis",
      scope: "shared",
    });
  });

  it.each([
    ["UPSTASH_REDIS_REST_TOKEN", { UPSTASH_REDIS_REST_URL: url }],
    ["UPSTASH_REDIS_REST_URL", { UPSTASH_REDIS_REST_TOKEN: "t" }],
    ["KV_REST_API_TOKEN", { KV_REST_API_URL: url }],
    ["KV_REST_API_URL", { KV_REST_API_TOKEN: "t" }],
    ["KV_REST_API_URL", { KV_REST_API_URL: "http://redis.example", KV_REST_API_TOKEN: "t" }],
    ["KV_REST_API_TOKEN", { KV_REST_API_URL: url, KV_REST_API_TOKEN: "two\nlines" }],
  ])("names %s when it is what is wrong", (setting, env) => {
    expect(() => redisFromEnv(env)).toThrow(expect.objectContaining({ name: "ConfigError", setting }));
  });

  it("refuses a timeout of nothing", () => {
    expect(() => redisLedger({ url, token: "t", timeoutMs: 0 })).toThrow("timeoutMs");
  });
});
