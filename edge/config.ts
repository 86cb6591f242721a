import type { BackendConfig } from "./backend/backend";
import type { EndedCheck } from "./ended-checks";
import type { LedgerEngine } from "./ledger/ledger";
import type { SameSite } from "./session/cookies";
import type { Env } from "./settings";

/** What `gateway.config.ts` says. Only `backends` is needed. */
export interface GatewayConfig {
  /** Each backend by its mount path, e.g. `{ "/backend/": { url: env.BACKEND_URL } }`. The longest mount wins. */
  backends: Readonly<Record<string, BackendConfig>>;
  /** Who remembers the newest generation of each session. Default `memoryLedger()`: one process. */
  ledger?: LedgerEngine;
  /** When a sign-out elsewhere is noticed. Default `"always"` with the memory ledger, every 30 s with a shared one. */
  endedCheck?: EndedCheck;
  session?: {
    /** How long a session lives after its cookie was last written, seconds. Default 30 days, as in Auth.js. */
    maxAgeSeconds?: number;
    /** `"strict"`: links from other sites open signed out. Default `"lax"`. */
    sameSite?: SameSite;
    /**
     * Above this size, over all chunks, the token set lives in the ledger alone; needs a shared ledger. Bytes, default
     * 8192; `0`: always (server-side sessions).
     */
    cookieBudgetBytes?: number;
  };
  refresh?: {
    /** How long before its end an access token is refreshed, seconds; a third of its lifetime at most. Default 60. */
    aheadSeconds?: number;
    /** How long the provider may take for one call, milliseconds. Default 5,000. */
    timeoutMs?: number;
  };
}

/** A configuration, made from the environment at run time: the build has none. */
export type GatewayConfigSource = (env: Env) => GatewayConfig;

/** Types `gateway.config.ts`. */
export function defineGateway(source: GatewayConfigSource): GatewayConfigSource {
  return source;
}
