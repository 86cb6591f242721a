import { BoundedMap } from "./bounded-map";
import type { EndedChecks } from "./ended-checks";
import type { Ledger, LedgerAdvance, LedgerEntry } from "./ledger/ledger";
import type { Log } from "./problem";
import { type CookiePairs, setCookieLines } from "./session/cookies";
import type { SessionClaims } from "./session/session";
import type { SessionWriter } from "./session/writer";
import { type Freshness, freshness } from "./token/token-set";

/** A request's session after the ledger was asked, where it had to be. */
export type SessionState =
  | { status: "none" }
  /** Signed out, or refused by the provider for good: the cookie is removed. */
  | { status: "ended" }
  | { status: "live"; claims: SessionClaims; entry: LedgerEntry; cookieIsBehind: boolean }
  /** The access token has expired and the provider gave no refresh token: only a new sign-in helps. */
  | { status: "sign_in_needed"; claims: SessionClaims }
  /** The session is good, but no usable token can be had now. */
  | {
      status: "unavailable";
      claims: SessionClaims;
      problem: "provider_unavailable" | "ledger_unavailable";
      retryAfterSeconds?: number;
    };

export type LiveSession = Extract<SessionState, { status: "live" }>;

/** What the keeper composes. */
export interface SessionKeeperOptions {
  writer: SessionWriter;
  ledger: Ledger;
  checks: EndedChecks;
  /** How long before its end an access token is refreshed, seconds. */
  refreshAheadSeconds: number;
  nowMs: () => number;
  log: Log;
}

/** Work that outlives the response, e.g. `NextFetchEvent.waitUntil`. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** After a failed background refresh the next attempt waits this long: the token is good, so nobody is in a hurry. */
const BACKGROUND_BACKOFF_MS = 5_000;

/**
 * A backend that refuses every token must not turn each request into a grant: after one refresh for this reason, the
 * next one waits.
 */
const REJECTION_PAUSE_MS = 30_000;

const MAX_REMEMBERED = 10_000;

/** Keeps sessions fresh: decides when the ledger is asked, and what of its answer reaches the request. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #retryNotBeforeMs = new BoundedMap<number>(MAX_REMEMBERED);
  readonly #rejectedAtMs = new BoundedMap<number>(MAX_REMEMBERED);

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  /** The session of a request, with a usable token where one can be had. */
  async current(cookies: CookiePairs, waitUntil: WaitUntil): Promise<SessionState> {
    const claims = await this.#options.writer.codec.read(cookies);
    if (!claims) return { status: "none" };
    const found = await this.#newest(claims, waitUntil);
    if (!("generation" in found)) return found;
    const cookieIsBehind = found.generation > claims.gateway.generation;
    const state: LiveSession = { status: "live", claims, entry: found, cookieIsBehind };
    const fresh = this.#freshness(found);
    if (fresh === "fresh") return state;
    if (found.tokens.refreshToken === null) return fresh === "due" ? state : { status: "sign_in_needed", claims };
    if (fresh === "due") {
      this.#refreshBeside(state, waitUntil);
      return state;
    }
    return this.#wentPast(state, waitUntil);
  }

  /** Whether a session has ended, asked of the ledger whatever `endedCheck` says; an outage is not an end. */
  async hasEnded(claims: SessionClaims): Promise<boolean> {
    const { ledger, checks } = this.#options;
    const { sid } = claims.gateway;
    if (checks.knowsEnded(sid)) return true;
    const { status } = await ledger.read(sid);
    checks.note(sid, status);
    return status === "ended";
  }

  /**
   * A newer token after a backend refused this one with 401.
   *
   * @returns null when there is none to be had, and the backend's answer stands
   */
  async afterRejection({ claims, entry }: LiveSession, waitUntil: WaitUntil): Promise<SessionState | null> {
    const { sid } = claims.gateway;
    const nowMs = this.#options.nowMs();
    const lastMs = this.#rejectedAtMs.get(sid);
    if (entry.tokens.refreshToken === null) return null;
    if (lastMs !== undefined && nowMs - lastMs < REJECTION_PAUSE_MS) {
      // The pause is for grants; a generation that the ledger already has, this old cookie may use.
      const known = await this.#options.ledger.read(sid);
      const isNewer = known.status === "live" && known.entry.generation > entry.generation;
      return isNewer ? { status: "live", claims, entry: known.entry, cookieIsBehind: true } : null;
    }
    const state = await this.#wentPast({ claims, entry }, waitUntil);
    if (state.status === "live") this.#rejectedAtMs.set(sid, nowMs);
    return state.status === "unavailable" ? null : state;
  }

  /**
   * The `Set-Cookie` lines that a response needs, if any: the newest generation when the cookie is behind, or its removal.
   *
   * @param options - `recheck`: time has passed since the state was found, so a sign-out may have come between
   */
  async cookieLines(state: SessionState, cookies: CookiePairs, options: { recheck: boolean }): Promise<string[]> {
    if (state.status === "ended") return this.#removal(cookies);
    const renewed = await this.renewed(state, cookies);
    if (!renewed || state.status !== "live") return [];
    const { ledger } = this.#options;
    const isOver = options.recheck && (await ledger.read(state.claims.gateway.sid)).status === "ended";
    return isOver ? this.#removal(cookies) : renewed.lines;
  }

  /** The cookie's new value and its `Set-Cookie` lines; null when the request's own is up to date or can't be written. */
  async renewed(state: SessionState, cookies: CookiePairs): Promise<{ sealed: string; lines: string[] } | null> {
    if (state.status !== "live" || !state.cookieIsBehind) return null;
    const { codec, sealRefreshed } = this.#options.writer;
    const sealed = await sealRefreshed(state.claims, state.entry);
    const { style, maxAgeSeconds } = codec;
    return sealed === null
      ? null
      : { sealed, lines: setCookieLines({ style, sealed, maxAgeSeconds, requestCookies: cookies }) };
  }

  #removal(cookies: CookiePairs): string[] {
    const { style, maxAgeSeconds } = this.#options.writer.codec;
    return setCookieLines({ style, sealed: null, maxAgeSeconds, requestCookies: cookies });
  }

  /** The cookie's entry, or the ledger's where that is newer or has to be asked. */
  async #newest(
    claims: SessionClaims,
    waitUntil: WaitUntil,
  ): Promise<LedgerEntry | Exclude<SessionState, LiveSession>> {
    const { ledger, checks, log } = this.#options;
    const { sid, tokens, generation, provider } = claims.gateway;
    const own: LedgerEntry | null = tokens && { generation, provider, tokens };
    if (checks.knowsEnded(sid)) return { status: "ended" };
    const fresh = own && this.#freshness(own);
    // An expired one is not looked up: getting past it asks the ledger anyway, once for all who wait.
    if (own && (fresh === "expired" || (fresh === "fresh" && !checks.isDue(sid)))) return own;
    const known = await ledger.read(sid);
    checks.note(sid, known.status);
    if (known.status === "ended") return { status: "ended" };
    if (known.status === "unavailable") {
      log({ level: "error", event: "ledger_unavailable", cause: known.cause });
      return own ?? { status: "unavailable", claims, problem: "ledger_unavailable" };
    }
    if (known.status === "live" && (!own || known.entry.generation > own.generation)) return known.entry;
    // A ledger that lost this generation would take an older cookie's refusal for the session's end.
    if (own && own.generation > 1 && (known.status === "unknown" || known.entry.generation < own.generation)) {
      waitUntil(ledger.keep(sid, own).catch(() => {}));
    }
    // A cookie without tokens whose ledger entry is gone can never work again.
    return own ?? { status: "ended" };
  }

  #freshness({ tokens }: LedgerEntry): Freshness {
    const { nowMs, refreshAheadSeconds } = this.#options;
    return freshness(tokens, { nowMs: nowMs(), refreshAheadSeconds });
  }

  #refreshBeside({ claims, entry }: LiveSession, waitUntil: WaitUntil): void {
    const { sid } = claims.gateway;
    const { nowMs } = this.#options;
    if ((this.#retryNotBeforeMs.get(sid) ?? 0) > nowMs()) return;
    const work = this.#advance(sid, entry).then((result) => {
      if (result.status !== "refresh_failed" && result.status !== "unavailable") return;
      const waitMs = result.status === "refresh_failed" ? (result.retryAfterSeconds ?? 0) * 1000 : 0;
      this.#retryNotBeforeMs.set(sid, nowMs() + Math.max(waitMs, BACKGROUND_BACKOFF_MS));
    });
    waitUntil(work.catch(() => this.#options.log({ level: "error", event: "background_refresh_threw" })));
  }

  async #advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance> {
    const { ledger, log, checks } = this.#options;
    let result = await ledger.advance(sid, entry);
    // The ledger was past this generation already, and what it has may have expired as well.
    const isStale = result.status === "live" && this.#freshness(result.entry) === "expired";
    if (result.status === "live" && isStale && result.entry.tokens.refreshToken !== null) {
      result = await ledger.advance(sid, result.entry);
    }
    if (result.status === "live" || result.status === "ended") checks.note(sid, result.status);
    else {
      const event = result.status === "unavailable" ? "ledger_unavailable" : "refresh_failed";
      log({ level: "error", event, cause: result.cause, provider: entry.provider });
    }
    return result;
  }

  /** The session past a generation that can't be used any more. */
  async #wentPast(
    { claims, entry }: Pick<LiveSession, "claims" | "entry">,
    waitUntil: WaitUntil,
  ): Promise<SessionState> {
    const work = this.#advance(claims.gateway.sid, entry);
    // A client that goes away in the middle must not take a spent refresh token's successor with it.
    waitUntil(work.catch(() => {}));
    const result = await work;
    if (result.status === "live") return { status: "live", claims, entry: result.entry, cookieIsBehind: true };
    if (result.status === "ended") return { status: "ended" };
    if (result.status === "unavailable") return { status: "unavailable", claims, problem: "ledger_unavailable" };
    const { retryAfterSeconds } = result;
    const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return { status: "unavailable", claims, problem: "provider_unavailable", ...wait };
  }
}
