import type { ProcessMemory } from "../create-gateway";
import { endedChecksMemory } from "../ended-checks";
import type { LedgerEngine } from "../ledger/ledger";

/** The process's memory, and what the host's first door has set up for the others. */
export interface SharedProcessMemory extends ProcessMemory {
  /** True when each request carries {@link RAW_TARGET_HEADER}, written by us and not by the client. */
  hasRawTargets: boolean;
  /** The ledger that the platform itself brings: on Cloudflare the Durable Object, set by the worker's entry. */
  platformLedger: LedgerEngine | null;
}

/** The request line's own path and query, which Next decodes, resolves and strips before middleware sees them. */
export const RAW_TARGET_HEADER = "x-gateway-target";

const KEY = Symbol.for("edge-token-gateway.process-memory");

/**
 * The one memory of this process.
 *
 * Under `next start` the middleware runs in a VM context of its own, with its own `globalThis`; a ledger there is not
 * seen by route handlers, where sign-out happens. What both have is the class `AsyncLocalStorage`: Next hands the
 * process's own to the context (measured on Next 16.4.6, `server/web/sandbox/context.js`). The memory hangs there. On
 * hosts without it, it hangs on `globalThis`.
 */
export function processMemory(): SharedProcessMemory {
  const anchor = (globalThis as { AsyncLocalStorage?: object }).AsyncLocalStorage ?? globalThis;
  const slot = anchor as { [KEY]?: SharedProcessMemory };
  slot[KEY] ??= { checks: endedChecksMemory(), ledger: null, hasRawTargets: false, platformLedger: null };
  return slot[KEY];
}
