import type { NextAuthConfig } from "next-auth";
import type { GatewayConfigSource } from "../../config";
import { type AssembledGateway, createGateway } from "../../create-gateway";
import type { Env } from "../../settings";
import { consoleLog } from "../console-log";
import { withDefaultLedger } from "../default-ledger";
import { processMemory } from "../process-memory";
import { readProviders } from "./providers";

/** The edge-safe Auth.js configuration: as Auth.js documents it, or made from the environment at run time. */
export type AuthConfigSource = NextAuthConfig | ((env: Env) => NextAuthConfig);

/** The two configurations of an app: `auth.config.ts` and `gateway.config.ts`. */
export interface GatewaySources {
  auth: AuthConfigSource;
  gateway: GatewayConfigSource;
}

/** A gateway on Next, with the Auth.js configuration it was made for. */
export interface NextRuntime {
  gateway: AssembledGateway;
  auth: NextAuthConfig;
}

const runtimes = new WeakMap<GatewayConfigSource, NextRuntime>();

/**
 * The gateway of these sources in this module instance, made from `process.env` on first use: `next build` has no
 * settings, so nothing may be read before.
 *
 * @throws {ConfigError} naming the variable or option to mend, at every call until it is mended
 */
export function nextRuntime({ auth: authSource, gateway: gatewaySource }: GatewaySources): NextRuntime {
  const known = runtimes.get(gatewaySource);
  if (known) return known;
  const env: Env = process.env;
  const auth = typeof authSource === "function" ? authSource(env) : authSource;
  const gateway = createGateway({
    env,
    config: withDefaultLedger(gatewaySource(env), env),
    providers: readProviders(auth.providers, env),
    fetch: (input, init) => fetch(input, init),
    nowMs: () => Date.now(),
    log: consoleLog(process.env),
    memory: processMemory(),
  });
  const runtime = { gateway, auth };
  runtimes.set(gatewaySource, runtime);
  return runtime;
}
