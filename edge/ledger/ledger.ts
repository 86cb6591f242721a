import type { RefreshOutcome } from "../token/refresh-grant";
import type { TokenSet } from "../token/token-set";

/** One generation of a session: its number, its token set, and whose tokens they are. */
export interface LedgerEntry {
  generation: number;
  provider: string;
  tokens: TokenSet;
}

/** What the ledger knows of a session. */
export type LedgerRead =
  | { status: "live"; entry: LedgerEntry }
  | { status: "ended" }
  /** Nothing: the cookie is the truth. So every session begins. */
  | { status: "unknown" }
  /** The store can't be reached or did not answer in time. `cause` is a code for the log. */
  | { status: "unavailable"; cause: string };

/** How an attempt to get past a generation ended. */
export type LedgerAdvance =
  | { status: "live"; entry: LedgerEntry }
  | { status: "ended" }
  /** The provider gave no verdict; the session is as it was. */
  | { status: "refresh_failed"; cause: string; retryAfterSeconds?: number }
  | { status: "unavailable"; cause: string };

/**
 * The shared memory of every session's newest generation, or that it has ended. Engines differ in who shares it: one
 * process (memory), all isolates (Redis, Durable Object). `docs/ledger.md` has what each promises.
 *
 * No operation throws for what a store or a provider does; bad configuration throws.
 */
export interface Ledger {
  /** The newest generation of a session. */
  read(sid: string): Promise<LedgerRead>;
  /**
   * Gets past a generation: refreshes its token set at most once across all callers everywhere, and gives every caller
   * the winner's result. When the ledger is already past it, that is the result and nobody refreshes. `invalid_grant`
   * ends the session.
   *
   * @param entry - the generation that the caller has and can't use any more
   */
  advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance>;
  /**
   * Keeps a generation that has no other home (a token set too large for a cookie). A newer one that is there stays.
   *
   * @returns false when it could not be kept: the session has ended, or the store can't be reached
   */
  keep(sid: string, entry: LedgerEntry): Promise<boolean>;
  /**
   * Ends a session for good: whatever cookie comes back later, it stays ended.
   *
   * @returns `newest`, what the ledger held, so that its refresh token can be revoked; `ended: false` when the store
   * could not be told
   */
  end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }>;
}

/** What an engine is given to work with. */
export interface LedgerContext {
  /** One refresh grant for this entry's token set. Settles within `leaseMs`. */
  refresh(entry: LedgerEntry): Promise<RefreshOutcome>;
  /** Takes tokens that were granted while their session ended: nobody will use them, so they are revoked. */
  discard(entry: LedgerEntry): Promise<void>;
  nowMs(): number;
  /** For engines whose store is across the network. */
  fetch: typeof fetch;
  /** How long a session's cookie can come back, and so how long an entry must be remembered, seconds. */
  sessionMaxAgeSeconds: number;
  /** How long a refresh may take before its holder counts as dead, milliseconds. */
  leaseMs: number;
  /** The deployment's secrets, newest first, for engines that store outside the process. */
  secrets: readonly [string, ...string[]];
  warn(event: string, fields?: Record<string, string | number>): void;
}

/** A kind of ledger, configured and not yet opened. */
export interface LedgerEngine {
  readonly name: string;
  /** `process`: two processes, or two isolates, do not see each other's entries. `shared`: they do. */
  readonly scope: "process" | "shared";
  /** @throws {ConfigError} when the engine's settings are missing or malformed */
  open(context: LedgerContext): Ledger;
}
