import type { GatewayConfig } from "../config";
import { redisFromEnv } from "../ledger/redis";
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
  return ledger ? { ...config, ledger } : config;
}
