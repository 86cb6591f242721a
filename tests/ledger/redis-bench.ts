import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import type { LedgerContext } from "../../edge/ledger/ledger";
import { redisLedger } from "../../edge/ledger/redis";
import { type RedisRest, type RedisServer, startRedis, startRedisRest } from "../support/redis-rest.mjs";
import type { ContractEngine } from "./bench";

/** One Redis and its REST front for a test file, emptied before every test. */
export interface RedisBench extends ContractEngine {
  redis: RedisServer;
  rest: RedisRest;
}

const TOKEN = "the-rest-token";

/**
 * Registers the hooks that start and stop them.
 *
 * @param options - `timeoutMs`: of the ledger's calls
 */
export function redisBench({ timeoutMs = 20_000 } = {}): RedisBench {
  /** The handles whose first call since `open` has been answered. */
  let answered = new Set<number>();
  const bench = {
    open: async (context: LedgerContext, handles: number) => {
      const mine = new Set<number>();
      answered = mine;
      const engine = redisLedger({ url: bench.rest.url, token: TOKEN, timeoutMs });
      const countingFetch = (handle: number): typeof fetch => {
        return async (...request) => {
          const response = await fetch(...request);
          mine.add(handle);
          return response;
        };
      };
      return Array.from({ length: handles }, (_, i) => engine.open({ ...context, fetch: countingFetch(i) }));
    },
    allHaveAsked: (handles: number) =>
      vi.waitFor(() => {
        if (answered.size < handles) throw new Error("not all have asked");
      }),
  } as RedisBench;
  beforeAll(async () => {
    bench.redis = await startRedis();
    bench.rest = await startRedisRest({ redis: bench.redis, token: TOKEN });
  });
  beforeEach(async () => {
    await bench.redis.command("FLUSHALL");
  });
  afterAll(async () => {
    await bench.rest.stop();
    await bench.redis.close();
  });
  return bench;
}
