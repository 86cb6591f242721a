/** The public door of the gateway: what `gateway.config.ts`, `auth.config.ts` and hosts import. */
export type { Backend, BackendConfig } from "./backend/backend";
export { defineGateway, type GatewayConfig, type GatewayConfigSource } from "./config";
export { type AssembledGateway, createGateway, type GatewayHost, type ProcessMemory } from "./create-gateway";
export type { EndedCheck } from "./ended-checks";
export type { Gateway, RequestContext } from "./gateway";
export type { Ledger, LedgerAdvance, LedgerContext, LedgerEngine, LedgerEntry, LedgerRead } from "./ledger/ledger";
export { type MemoryLedgerOptions, memoryLedger } from "./ledger/memory";
export { ConfigError, type Log, type LogEvent, type ProblemCode } from "./problem";
export type { PublicSession } from "./session/auth-callbacks";
export { type Env, httpUrl } from "./settings";
export type { Provider } from "./token/provider";
