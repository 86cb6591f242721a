import { BoundedMap } from "./bounded-map";
import type { LedgerRead } from "./ledger/ledger";
import { ConfigError } from "./problem";

/**
 * When a session whose token is not due is still looked up in the ledger, to see a sign-out that happened elsewhere.
 *
 * - `"always"`: at each request. A sign-out works everywhere at once. Free with the memory ledger.
 * - `{ everySeconds }`: at most so often for each session and isolate. A sign-out works everywhere within that time.
 * - `"on-refresh"`: never before the token is due. No ledger call in the steady state; a copied cookie works elsewhere
 *   until its access token is due.
 */
export type EndedCheck = "always" | "on-refresh" | { everySeconds: number };

/** Remembers, for one process or isolate, when each session was last looked up, and which ones have ended. */
export interface EndedChecks {
  isDue(sid: string): boolean;
  knowsEnded(sid: string): boolean;
  note(sid: string, status: LedgerRead["status"]): void;
}

/** What is shared between the modules of one process; see `host/process-memory.ts`. */
export interface EndedChecksMemory {
  checkedAtMs: BoundedMap<number>;
  endedAtMs: BoundedMap<number>;
}

const MAX_REMEMBERED = 10_000;

export function endedChecksMemory(): EndedChecksMemory {
  return { checkedAtMs: new BoundedMap(MAX_REMEMBERED), endedAtMs: new BoundedMap(MAX_REMEMBERED) };
}

/**
 * @throws {ConfigError} when `everySeconds` is not a positive number
 */
export function createEndedChecks(
  mode: EndedCheck,
  { memory, nowMs }: { memory: EndedChecksMemory; nowMs: () => number },
): EndedChecks {
  const everyMs = mode === "always" ? 0 : mode === "on-refresh" ? Number.POSITIVE_INFINITY : mode.everySeconds * 1000;
  if (!(everyMs >= 0)) throw new ConfigError("endedCheck", "needs everySeconds of at least 0");
  return {
    isDue(sid) {
      if (everyMs === Number.POSITIVE_INFINITY) return false;
      const atMs = memory.checkedAtMs.get(sid);
      return atMs === undefined || nowMs() - atMs >= everyMs;
    },
    knowsEnded: (sid) => memory.endedAtMs.get(sid) !== undefined,
    note(sid, status) {
      if (status === "ended") memory.endedAtMs.set(sid, nowMs());
      // An outage is looked at again with the next request; it proves nothing about the session.
      else if (status !== "unavailable" && everyMs > 0 && everyMs !== Number.POSITIVE_INFINITY) {
        memory.checkedAtMs.set(sid, nowMs());
      }
    },
  };
}
