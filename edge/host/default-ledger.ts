import type { GatewayConfig } from "../config";
import { redisFromEnv } from "../ledger/redis";
import { ConfigError } from "../problem";
import type { Env } from "../settings";
import { processMemory } from "./process-memory";

/**
 * A configuration with its ledger. Where `gateway.config.ts` names none, it is the platform's own (on Cloudflare the
 * Durable Object), else the Redis that the environment names, else the memory of this process.
 *
 * @throws {ConfigError} when the environment names half a Redis
 */
export function withDefaultLedger(config: GatewayConfig, env: Env): GatewayConfig {
  const ledger = config.ledger ?? processMemory().platformLedger ?? redisFromEnv(env);
  // There the middleware and the functions are processes of their own: a memory ledger would miss every sign-out.
  if (!ledger && env.VERCEL)
    throw new ConfigError("UPSTASH_REDIS_REST_URL", "is missing: Vercel needs a shared ledger");
  return ledger ? { ...config, ledger } : config;
}
