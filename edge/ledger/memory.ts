import { ConfigError } from "../problem";
import { Flights, type Lifeline } from "./flights";
import type { Ledger, LedgerAdvance, LedgerContext, LedgerEngine, LedgerEntry, LedgerRead } from "./ledger";

/** Bounds of the memory engine. */
export interface MemoryLedgerOptions {
  /** Live sessions remembered; the least recently used go first. Default 10,000, about 1.5 KB each with 1 KB tokens. */
  maxSessions?: number;
  /** Ended sessions remembered; the ones that end soonest go first. Default 100,000, about 180 bytes each. */
  maxEnded?: number;
}

interface Live {
  entry: LedgerEntry;
  untilMs: number;
}

/**
 * The ledger of one process: exactly-once within it, nothing between two. The default; right for one `next start` or
 * one Node server, wrong for several.
 */
export function memoryLedger({ maxSessions = 10_000, maxEnded = 100_000 }: MemoryLedgerOptions = {}): LedgerEngine {
  if (!(maxSessions >= 1) || !(maxEnded >= 1)) {
    throw new ConfigError("memoryLedger", "needs maxSessions and maxEnded of at least 1");
  }
  return {
    name: "memory",
    scope: "process",
    open: (context) => new MemoryLedger(context, { maxSessions, maxEnded }),
  };
}

class MemoryLedger implements Ledger {
  readonly #context: LedgerContext;
  readonly #bounds: Required<MemoryLedgerOptions>;
  /** In order of use: the first is the one that was not asked for longest. */
  readonly #live = new Map<string, Live>();
  readonly #endedUntilMs = new Map<string, number>();
  readonly #flights: Flights<LedgerAdvance>;

  constructor(context: LedgerContext, bounds: Required<MemoryLedgerOptions>) {
    this.#context = context;
    this.#bounds = bounds;
    this.#flights = new Flights(context.nowMs);
  }

  async read(sid: string): Promise<LedgerRead> {
    return this.#lookUp(sid);
  }

  async advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance> {
    for (;;) {
      const result = await this.#flights.join(sid, async (lifeline) => {
        lifeline.trustFor(this.#context.leaseMs);
        // Here and not before joining: who waited for a lost owner may come after its replacement has landed.
        return this.#past(sid, entry) ?? this.#refresh(sid, { entry, lifeline });
      });
      // The flight may have been for an older generation than this caller's.
      if (result.status !== "live" || result.entry.generation > entry.generation) return result;
    }
  }

  async keep(sid: string, entry: LedgerEntry): Promise<boolean> {
    const known = this.#lookUp(sid);
    if (known.status === "ended") return false;
    if (known.status === "unknown" || known.entry.generation < entry.generation) this.#remember(sid, entry);
    return true;
  }

  async end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }> {
    const newest = this.#live.get(sid)?.entry ?? null;
    this.#live.delete(sid);
    this.#endedUntilMs.delete(sid);
    this.#endedUntilMs.set(sid, this.#expiryMs());
    this.#dropOldest(this.#endedUntilMs, this.#bounds.maxEnded, "ledger_forgot_ended");
    return { ended: true, newest };
  }

  /** What the ledger has instead of this generation; null when this one is the newest. */
  #past(sid: string, entry: LedgerEntry): Extract<LedgerRead, { status: "live" | "ended" }> | null {
    const known = this.#lookUp(sid);
    if (known.status === "ended") return known;
    return known.status === "live" && known.entry.generation > entry.generation ? known : null;
  }

  #lookUp(sid: string): Exclude<LedgerRead, { status: "unavailable" }> {
    const nowMs = this.#context.nowMs();
    const endedUntilMs = this.#endedUntilMs.get(sid);
    if (endedUntilMs !== undefined) {
      if (endedUntilMs > nowMs) return { status: "ended" };
      this.#endedUntilMs.delete(sid);
    }
    const live = this.#live.get(sid);
    if (!live) return { status: "unknown" };
    this.#live.delete(sid);
    if (live.untilMs <= nowMs) return { status: "unknown" };
    this.#live.set(sid, live);
    return { status: "live", entry: live.entry };
  }

  async #refresh(sid: string, { entry, lifeline }: { entry: LedgerEntry; lifeline: Lifeline }): Promise<LedgerAdvance> {
    const outcome = await this.#context.refresh(entry);
    if (outcome.status === "unavailable") {
      const { status: _, ...why } = outcome;
      return { status: "refresh_failed", ...why };
    }
    const next =
      outcome.status === "refreshed" ? { ...entry, generation: entry.generation + 1, tokens: outcome.tokens } : null;
    const past = this.#past(sid, entry);
    // If another holder took over while this one was given up, and got further, its generation stays.
    if (past?.status === "ended" && next) await this.#context.discard(next);
    if (past) return past;
    if (!next) {
      // The one that took over may succeed yet: this refusal may only say that the token is spent.
      if (!lifeline.isCurrent()) return { status: "refresh_failed", cause: "superseded" };
      await this.end(sid);
      return { status: "ended" };
    }
    this.#remember(sid, next);
    return { status: "live", entry: next };
  }

  #remember(sid: string, entry: LedgerEntry): void {
    this.#live.delete(sid);
    this.#live.set(sid, { entry, untilMs: this.#expiryMs() });
    this.#dropOldest(this.#live, this.#bounds.maxSessions, "ledger_forgot_session");
  }

  #dropOldest(map: Map<string, unknown>, max: number, event: string): void {
    for (const sid of map.keys()) {
      if (map.size <= max) return;
      map.delete(sid);
      this.#context.warn(event, { max });
    }
  }

  #expiryMs(): number {
    return this.#context.nowMs() + this.#context.sessionMaxAgeSeconds * 1000;
  }
}
