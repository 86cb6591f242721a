import { BoundedMap } from "../bounded-map";
import { Flights, type Lifeline } from "./flights";
import type { Ledger, LedgerAdvance, LedgerContext, LedgerEntry, LedgerRead } from "./ledger";
import type { RedisRestOptions } from "./redis-rest";
import { type Lease, RedisStore, type StoreReply } from "./redis-store";
import { createEntrySealer, type EntrySealer, storageName } from "./sealed-entry";

const MAX_UNRECORDED = 1_000;

const POLL_FIRST_MS = 25;
const POLL_LAST_MS = 250;

/** What the flight's owner may be late with besides its timeouts: a busy event loop. */
const SLACK_MS = 500;

/** One generation of one session that is being got past. */
interface Attempt {
  sid: string;
  key: string;
  entry: LedgerEntry;
  lifeline: Lifeline;
}

type RedisOptions = Omit<RedisRestOptions, "fetch"> & { keyPrefix: string };

/** The engine at work; `redisLedger` has what it promises. */
export class RedisLedger implements Ledger {
  readonly #context: LedgerContext;
  readonly #options: RedisOptions;
  readonly #store: RedisStore;
  readonly #sealer: EntrySealer;
  readonly #flights: Flights<LedgerAdvance>;
  /** Grants that Redis could not be told of: this process serves them, and tells Redis when it is next asked. */
  readonly #unrecorded = new BoundedMap<LedgerEntry>(MAX_UNRECORDED);

  constructor(context: LedgerContext, options: RedisOptions) {
    this.#context = context;
    this.#options = options;
    this.#store = new RedisStore({ ...options, fetch: context.fetch });
    this.#sealer = createEntrySealer(context.secrets);
    this.#flights = new Flights(context.nowMs);
  }

  async read(sid: string): Promise<LedgerRead> {
    const known = await this.#readStore(sid);
    const own = this.#unrecorded.get(sid);
    if (!own) return known;
    const isPast = known.status === "live" && known.entry.generation >= own.generation;
    if (known.status === "ended" || isPast) {
      this.#unrecorded.delete(sid);
      return known;
    }
    if (known.status !== "unavailable" && (await this.keep(sid, own))) this.#unrecorded.delete(sid);
    return { status: "live", entry: own };
  }

  async #readStore(sid: string): Promise<LedgerRead> {
    const reply = await this.#store.read(await this.#key(sid));
    switch (reply.status) {
      case "live":
        return (await this.#open(sid, reply.sealed)) ?? { status: "unknown" };
      case "ended":
        return { status: "ended" };
      case "unknown":
        return reply;
      default:
        return unavailable(reply);
    }
  }

  async advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance> {
    if ((this.#unrecorded.get(sid)?.generation ?? 0) > entry.generation) {
      const known = await this.read(sid);
      if (known.status !== "unknown") return known;
    }
    const key = await this.#key(sid);
    return this.#flights.join(`${entry.generation} ${sid}`, (lifeline) => this.#run({ sid, key, entry, lifeline }));
  }

  async keep(sid: string, entry: LedgerEntry): Promise<boolean> {
    const { status } = await this.#storeEntry(await this.#key(sid), { sid, entry, holder: "" });
    return status === "done" || status === "live";
  }

  async end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }> {
    const keepSeconds = this.#context.sessionMaxAgeSeconds;
    const reply = await this.#store.end(await this.#key(sid), { keepSeconds });
    if (reply.status !== "ended") return { ended: false, newest: null };
    const opened = reply.sealed === null ? null : await this.#open(sid, reply.sealed);
    return { ended: true, newest: opened?.status === "live" ? opened.entry : null };
  }

  /** Asks until there is a result, or the lease is ours and we make one. */
  async #run(attempt: Attempt): Promise<LedgerAdvance> {
    const { sid, key, entry, lifeline } = attempt;
    let waitedFor = 0;
    for (let round = 0; ; round++) {
      const holder = crypto.randomUUID();
      lifeline.trustFor(2 * this.#options.timeoutMs + SLACK_MS);
      const { generation } = entry;
      let reply = await this.#store.acquire(key, { generation, holder, leaseMs: this.#context.leaseMs, waitedFor });
      if (reply.status === "mine") {
        const result = await this.#refresh(attempt, { holder, lease: reply.lease });
        if (result.status !== "wait") return result;
        reply = result;
      }
      if (reply.status === "wait") {
        waitedFor = reply.lease;
        const delayMs = Math.min(pollDelayMs(round), reply.remainingMs + 1);
        lifeline.trustFor(delayMs + SLACK_MS);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        continue;
      }
      if (reply.status === "live") {
        const newest = await this.#open(sid, reply.sealed);
        // The script's `gen` is only a number that anybody with access to Redis can write; the sealed one counts.
        if (newest && (newest.status !== "live" || newest.entry.generation > generation)) return newest;
        const dropped = await this.#store.drop(key, reply.sealed);
        if (dropped.status === "unavailable") return dropped;
        continue;
      }
      if (reply.status === "ended") return { status: "ended" };
      if (reply.status === "failed") return { status: "refresh_failed", ...reply.failure };
      // Redis may have given the lease and only its answer was lost: without this all would wait for nobody.
      if (reply.status === "unavailable" && reply.cause !== "redis_unauthorized") {
        void this.#store.release(key, { holder, lease: 0 }, null);
      }
      return unavailable(reply);
    }
  }

  /** One refresh under a lease. `wait`: it came to nothing, but another holder's may not. */
  async #refresh(attempt: Attempt, lease: Lease): Promise<LedgerAdvance | Extract<StoreReply, { status: "wait" }>> {
    const { key, entry, lifeline } = attempt;
    lifeline.trustFor(this.#context.leaseMs);
    const outcome = await this.#context.refresh(entry).catch(async (error: unknown) => {
      await this.#store.release(key, lease, null);
      throw error;
    });
    lifeline.trustFor(2 * this.#options.timeoutMs + SLACK_MS);
    if (outcome.status === "refreshed") {
      return this.#commit(attempt, { ...entry, generation: entry.generation + 1, tokens: outcome.tokens }, lease);
    }
    if (outcome.status === "unavailable") {
      const { status: _, ...failure } = outcome;
      await this.#store.release(key, lease, failure);
      return { status: "refresh_failed", ...failure };
    }
    return this.#reject(attempt, lease);
  }

  /**
   * Records a granted generation. These tokens are the session's only valid ones, so a lease that has passed to another
   * holder meanwhile is no hindrance: that one presents the token that was spent here, and will be refused. The first
   * of two successes stays (a provider with a grace period grants both): others are using it already.
   */
  async #commit(attempt: Attempt, next: LedgerEntry, { holder }: Lease): Promise<LedgerAdvance> {
    const { sid, key } = attempt;
    const reply = await this.#storeEntry(key, { sid, entry: next, holder });
    if (reply.status === "ended") {
      await this.#context.discard(next);
      return { status: "ended" };
    }
    if (reply.status === "live") return (await this.#open(sid, reply.sealed)) ?? { status: "live", entry: next };
    if (reply.status !== "done") {
      // The grant stands: its tokens go to the callers, and on in their cookies, and stay here for who comes later.
      this.#unrecorded.set(sid, next);
      this.#context.warn("ledger_commit_failed", { cause: unavailable(reply).cause });
    }
    return { status: "live", entry: next };
  }

  /**
   * A refused refresh token ends the session only if it was the newest, and nobody else is refreshing it: when a late
   * holder's success stands in Redis, or the next holder's is on its way, the refusal only says that the token is spent.
   */
  async #reject({ sid, key, entry }: Attempt, { holder }: Lease) {
    const keepSeconds = this.#context.sessionMaxAgeSeconds;
    const reply = await this.#store.reject(key, { generation: entry.generation, holder, keepSeconds });
    if (reply.status === "ended") return { status: "ended" as const };
    if (reply.status === "wait") return reply;
    const newest = reply.status === "live" ? await this.#open(sid, reply.sealed) : null;
    return newest ?? unavailable(reply);
  }

  async #storeEntry(key: string, { sid, entry, holder }: { sid: string; entry: LedgerEntry; holder: string }) {
    const sealed = await this.#sealer.seal(sid, entry);
    const keepSeconds = this.#context.sessionMaxAgeSeconds;
    return this.#store.store(key, { generation: entry.generation, sealed, keepSeconds, holder });
  }

  /**
   * A stored entry; null when it is damaged. One under a secret that this deployment lacks is not taken for nothing: in
   * a rollout of a new secret, refreshing the cookie's older generation would present a spent token.
   */
  async #open(sid: string, sealed: string) {
    const opened = await this.#sealer.open(sid, sealed);
    if (opened.status === "opened") return { status: "live" as const, entry: opened.entry };
    this.#context.warn(opened.status === "foreign" ? "ledger_entry_foreign" : "ledger_entry_damaged");
    return opened.status === "foreign" ? { status: "unavailable" as const, cause: "redis_foreign_secret" } : null;
  }

  async #key(sid: string): Promise<string> {
    return this.#options.keyPrefix + (await storageName(sid));
  }
}

/** Between half and all of 25 ms doubling to 250: waiters of one lease should not come together. */
function pollDelayMs(round: number): number {
  return Math.min(POLL_LAST_MS, POLL_FIRST_MS * 2 ** Math.min(round, 10)) * (0.5 + Math.random() / 2);
}

function unavailable(reply: StoreReply): { status: "unavailable"; cause: string } {
  return reply.status === "unavailable" ? reply : { status: "unavailable", cause: "redis_error" };
}
