import { ConfigError } from "../problem";
import { type Env, parseHttpUrl } from "../settings";
import type { LedgerEngine } from "./ledger";
import { RedisLedger } from "./redis-ledger";

/** Where Redis is, and how long it may take. */
export interface RedisLedgerOptions {
  /** The REST endpoint: https, or http on a loopback host. */
  url: string;
  token: string;
  /** Before every key; two deployments with one Redis need two. Default `etg:`. */
  keyPrefix?: string;
  /** How long one call may take, milliseconds; most are tried twice. Default 2,500. */
  timeoutMs?: number;
}

/** Upstash's own names, and those of Vercel's KV stores. */
const VARIABLES = [
  ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"],
  ["KV_REST_API_URL", "KV_REST_API_TOKEN"],
] as const;

/**
 * The Redis ledger of the environment, if it names one.
 *
 * @throws {ConfigError} when only half of a pair is there, or the URL is malformed
 */
export function redisFromEnv(env: Env): LedgerEngine | undefined {
  for (const [urlName, tokenName] of VARIABLES) {
    const [url, token] = [env[urlName], env[tokenName]];
    if (!url && !token) continue;
    if (!url) throw new ConfigError(urlName, `is missing: ${tokenName} is set`);
    if (!token) throw new ConfigError(tokenName, `is missing: ${urlName} is set`);
    parseHttpUrl(url, urlName);
    checkToken(token, tokenName);
    return redisLedger({ url, token });
  }
  return undefined;
}

/**
 * The ledger of every process and isolate that can reach one Redis, by Upstash's REST protocol.
 *
 * A generation is refreshed once, by the holder of a lease that Redis gives and times by its own clock. A holder that
 * dies is replaced after `leaseMs`; if it died between the grant and its record, the provider sees the spent token
 * again, which no engine outside the provider can prevent. A sign-out wins over a refresh in flight. Entries are sealed
 * (`sealed-entry.ts`), every key has a TTL, and a Redis that is down, slow, or back without its data ends no session.
 *
 * Calls: `read`, `keep`, `end` 1 each. `advance`: 2 for the one that refreshes; 1, and one more for every 25 ms doubling
 * to 250 ms that the refresh takes, for every other process, however many requests wait in it.
 */
export function redisLedger(options: RedisLedgerOptions): LedgerEngine {
  const { url, token, keyPrefix = "etg:", timeoutMs = 2_500 } = options;
  const { href } = parseHttpUrl(url, "redisLedger.url");
  checkToken(token, "redisLedger.token");
  if (!(timeoutMs >= 1)) throw new ConfigError("redisLedger.timeoutMs", "must be at least 1");
  return {
    name: "redis",
    scope: "shared",
    open: (context) => new RedisLedger(context, { url: href, token, keyPrefix, timeoutMs }),
  };
}

function checkToken(token: string, setting: string): void {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ConfigError(setting, "must be printable, without spaces");
}
