import { ConfigError } from "../problem";
import type { RefreshOutcome } from "../token/refresh-grant";
import type { SessionLedgerStub } from "./durable-object";
import { Flights, type Lifeline } from "./flights";
import type { LedgerAdvance, LedgerContext, LedgerEntry, LedgerRead } from "./ledger";
import { createEntrySealer, type EntrySealer } from "./sealed-entry";

/** What is used of a Durable Object's storage: https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/ */
export interface SessionStorage {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  setAlarm(atMs: number): Promise<void>;
  deleteAll(): Promise<void>;
}

/** What the storage holds under {@link KEY}. Only the sealed entry says anything about a session. */
type Stored = { sealed: string } | { ended: true };

const KEY = "session";

/**
 * One session's ledger, as it lives in its own Durable Object: the only one of its name in the world.
 *
 * - A generation is refreshed once, by the object itself; all callers share one promise. A caller that goes away
 *   changes nothing: the object finishes the grant and keeps the result.
 * - A result is in storage before anybody is answered (the runtime's output gate holds answers back until the write is
 *   durable).
 * - The one loss: the object dies (a crash, a deployment) between the provider's answer and the write. The next caller
 *   then presents the spent token, and a strict provider ends the session. A note "refresh started" would not help: it
 *   could only say that the outcome is unknown, and trying the old token is still the best of what is left (the grant
 *   may never have arrived; many providers accept the last token again for some seconds).
 * - A sign-out wins over a refresh in flight; its tokens are handed to `discard`.
 * - Entries are sealed (`sealed-entry.ts`) under the `sid` of the call, which is never stored.
 * - It deletes itself once no cookie of the session can come back. A session that was only read leaves nothing behind.
 */
export class DurableSession implements SessionLedgerStub {
  readonly #storage: SessionStorage;
  readonly #context: LedgerContext;
  readonly #sealer: EntrySealer;
  readonly #flights: Flights<LedgerAdvance>;
  /** What the storage holds, opened; null until it has been. */
  #known: LedgerRead | null = null;
  #opening: Promise<void> | null = null;

  constructor({ storage, context }: { storage: SessionStorage; context: LedgerContext }) {
    this.#storage = storage;
    this.#context = context;
    this.#sealer = createEntrySealer(context.secrets);
    this.#flights = new Flights(context.nowMs);
  }

  async read(sid: string): Promise<LedgerRead> {
    await this.#ready(sid);
    return this.#now();
  }

  async advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance> {
    for (;;) {
      await this.#ready(sid);
      const result = await this.#flights.join("refresh", async (lifeline) => {
        lifeline.trustFor(this.#context.leaseMs);
        // Here and not before joining: who waited for a lost owner may come after its replacement has landed.
        const known = this.#now();
        if (known.status === "ended" || known.status === "unavailable") return known;
        if (known.status === "live" && known.entry.generation > entry.generation) return known;
        return this.#refresh(sid, { entry, lifeline });
      });
      if (result.status !== "live" || result.entry.generation > entry.generation) return result;
    }
  }

  async keep(sid: string, entry: LedgerEntry): Promise<boolean> {
    await this.#ready(sid);
    const known = this.#now();
    if (known.status === "ended" || known.status === "unavailable") return false;
    if (known.status === "live" && known.entry.generation >= entry.generation) return true;
    return this.#become(sid, { status: "live", entry });
  }

  async end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }> {
    await this.#ready(sid);
    const known = this.#now();
    if (known.status !== "ended") await this.#become(sid, { status: "ended" });
    return { ended: true, newest: known.status === "live" ? known.entry : null };
  }

  /** For the object's alarm: no cookie of this session can come back. */
  async expire(): Promise<void> {
    this.#known = { status: "unknown" };
    await this.#storage.deleteAll();
  }

  /** Opens what is stored, once. After it, {@link #now} says what holds, and nothing comes between. */
  async #ready(sid: string): Promise<void> {
    if (this.#known) return;
    this.#opening ??= this.#open(sid).finally(() => {
      this.#opening = null;
    });
    await this.#opening;
  }

  #now(): LedgerRead {
    return this.#known ?? { status: "unavailable", cause: "durable_object_foreign_secret" };
  }

  async #open(sid: string): Promise<void> {
    const stored = (await this.#storage.get(KEY)) as Stored | undefined;
    if (stored === undefined || "ended" in stored) {
      this.#known ??= { status: stored ? "ended" : "unknown" };
      return;
    }
    const opened = await this.#sealer.open(sid, stored.sealed);
    if (opened.status === "opened") {
      this.#known ??= { status: "live", entry: opened.entry };
      return;
    }
    this.#context.warn(opened.status === "foreign" ? "ledger_entry_foreign" : "ledger_entry_damaged");
    // A foreign entry is left alone: in a rollout of a new secret, refreshing an older generation spends a spent token.
    if (opened.status === "damaged") this.#known ??= { status: "unknown" };
  }

  async #refresh(sid: string, { entry, lifeline }: { entry: LedgerEntry; lifeline: Lifeline }): Promise<LedgerAdvance> {
    const outcome = await this.#grant(entry);
    if (outcome.status === "unavailable") {
      const { status: _, ...why } = outcome;
      return { status: "refresh_failed", ...why };
    }
    const next =
      outcome.status === "refreshed" ? { ...entry, generation: entry.generation + 1, tokens: outcome.tokens } : null;
    const known = this.#now();
    if (known.status === "ended") {
      if (next) await this.#context.discard(next);
      return known;
    }
    // Another refresh took over while this one was given up, and got further: its generation stays.
    if (known.status === "live" && known.entry.generation > entry.generation) return known;
    // The one that took over may succeed yet: this refusal may only say that the token is spent.
    if (!next && !lifeline.isCurrent()) return { status: "refresh_failed", cause: "superseded" };
    const result = next ? ({ status: "live", entry: next } as const) : ({ status: "ended" } as const);
    return (await this.#become(sid, result)) ? result : { status: "ended" };
  }

  /** A throw is a bug or bad configuration here, not in the request: the caller gets a cause, the log the name. */
  async #grant(entry: LedgerEntry): Promise<RefreshOutcome> {
    try {
      return await this.#context.refresh(entry);
    } catch (error) {
      const isConfig = error instanceof ConfigError;
      this.#context.warn("refresh_threw", { detail: isConfig ? error.message : "internal error" });
      return { status: "unavailable", cause: isConfig ? "misconfigured" : "refresh_threw" };
    }
  }

  /** @returns false when the session was ended while this was being written */
  async #become(sid: string, known: Extract<LedgerRead, { status: "live" | "ended" }>): Promise<boolean> {
    // At once, so that whoever comes while the entry is sealed sees it; the answer to them waits for the same write.
    this.#known = known;
    const stored: Stored =
      known.status === "ended" ? { ended: true } : { sealed: await this.#sealer.seal(sid, known.entry) };
    if (this.#known !== known) return this.#known?.status !== "ended";
    const atMs = this.#context.nowMs() + this.#context.sessionMaxAgeSeconds * 1000;
    // Both without an await between: the runtime writes them as one (https://developers.cloudflare.com/durable-objects/api/).
    await Promise.all([this.#storage.put(KEY, stored), this.#storage.setAlarm(atMs)]);
    return true;
  }
}
