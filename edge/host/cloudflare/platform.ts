import { AsyncLocalStorage } from "node:async_hooks";
import { durableObjectLedger, type SessionLedgerNamespace } from "../../ledger/durable-object";
import { processMemory } from "../process-memory";

/** The bindings that the gateway knows of; strings among them are settings, and stand in `process.env` as well. */
export interface WorkerEnv {
  /** `wrangler.toml` binds it to the class `SessionLedger`. */
  SESSION_LEDGER?: SessionLedgerNamespace;
}

/** What is used of `ExecutionContext`: https://developers.cloudflare.com/workers/runtime-apis/context/ */
export interface WorkerContext {
  waitUntil(work: Promise<unknown>): void;
}

// OpenNext's bundles set it once they are loaded; by then the memory that hangs there must have been found already.
(globalThis as { AsyncLocalStorage?: unknown }).AsyncLocalStorage ??= AsyncLocalStorage;

/**
 * Tells every module instance of this isolate (the worker's entry, OpenNext's middleware and its server are three) what
 * platform it runs on: Durable Objects keep the ledger, and each request that reaches Next carries its raw target.
 */
export function preparePlatform(env: WorkerEnv): void {
  const memory = processMemory();
  memory.hasRawTargets = true;
  memory.platformLedger ??= durableObjectLedger({ binding: env.SESSION_LEDGER });
}
