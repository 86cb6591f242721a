import { ConfigError } from "../problem";
import { settledWithin } from "./flights";
import type { Ledger, LedgerAdvance, LedgerContext, LedgerEngine, LedgerEntry, LedgerRead } from "./ledger";
import { storageName } from "./sealed-entry";

/** What the Durable Object `SessionLedger` can be asked, as its stub offers it (Workers RPC). */
export interface SessionLedgerStub {
  read(sid: string): Promise<LedgerRead>;
  advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance>;
  keep(sid: string, entry: LedgerEntry): Promise<boolean>;
  end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }>;
}

/** What is used of a `DurableObjectNamespace`: https://developers.cloudflare.com/durable-objects/api/namespace/ */
export interface SessionLedgerNamespace {
  getByName(name: string): SessionLedgerStub;
}

/** Which Durable Objects, and how long they may take. */
export interface DurableObjectLedgerOptions {
  /** The binding of `SessionLedger` in `wrangler.toml`; undefined when the deployment has none. */
  binding: SessionLedgerNamespace | undefined;
  /** How long one call may take, beyond a refresh, milliseconds. Default 3,000: an object may wake on another continent. */
  timeoutMs?: number;
}

/** The name of the binding, the same in `wrangler.toml` and in every error. */
export const SESSION_LEDGER_BINDING = "SESSION_LEDGER";

/**
 * The ledger of every isolate of one Cloudflare deployment: one Durable Object a session, which runs the refresh itself
 * (`durable-session.ts` has what it promises). This is the caller's side: one RPC an operation, with a timeout of its own.
 *
 * Nothing is shared between two requests of an isolate: on workerd a promise that another request started may never
 * settle (measured). The object shares the refresh, since all its calls live in one I/O context.
 *
 * @throws {ConfigError} when the ledger is opened without its binding
 */
export function durableObjectLedger({ binding, timeoutMs = 3_000 }: DurableObjectLedgerOptions): LedgerEngine {
  if (!(timeoutMs >= 1)) throw new ConfigError("durableObjectLedger.timeoutMs", "must be at least 1");
  return {
    name: "durable-object",
    scope: "shared",
    open(context) {
      if (!binding) {
        throw new ConfigError(SESSION_LEDGER_BINDING, "is missing: wrangler.toml must bind the class SessionLedger");
      }
      return new DurableObjectLedger(context, { binding, timeoutMs });
    },
  };
}

type Answer<T> =
  | { value: T }
  | { status: "unavailable"; cause: "durable_object_unreachable" | "durable_object_timeout" };

class DurableObjectLedger implements Ledger {
  readonly #context: LedgerContext;
  readonly #binding: SessionLedgerNamespace;
  readonly #timeoutMs: number;

  constructor(context: LedgerContext, { binding, timeoutMs }: { binding: SessionLedgerNamespace; timeoutMs: number }) {
    this.#context = context;
    this.#binding = binding;
    this.#timeoutMs = timeoutMs;
  }

  async read(sid: string): Promise<LedgerRead> {
    const answer = await this.#askTwice(sid, (stub) => stub.read(sid));
    return "value" in answer ? answer.value : answer;
  }

  /** Not asked twice: a grant whose outcome is unknown is repeated by the next request, not at once. */
  async advance(sid: string, entry: LedgerEntry): Promise<LedgerAdvance> {
    const timeoutMs = this.#context.leaseMs + this.#timeoutMs;
    const { answer } = await this.#ask(sid, { call: (stub) => stub.advance(sid, entry), timeoutMs });
    return "value" in answer ? answer.value : answer;
  }

  async keep(sid: string, entry: LedgerEntry): Promise<boolean> {
    const answer = await this.#askTwice(sid, (stub) => stub.keep(sid, entry));
    return "value" in answer && answer.value;
  }

  async end(sid: string): Promise<{ ended: boolean; newest: LedgerEntry | null }> {
    const answer = await this.#askTwice(sid, (stub) => stub.end(sid));
    return "value" in answer ? answer.value : { ended: false, newest: null };
  }

  /** For what may be carried out twice: an object that was reset in mid-call is asked once more, by a new stub. */
  async #askTwice<T>(sid: string, call: (stub: SessionLedgerStub) => Promise<T>): Promise<Answer<T>> {
    const first = await this.#ask(sid, { call, timeoutMs: this.#timeoutMs });
    return first.isRetryable ? (await this.#ask(sid, { call, timeoutMs: this.#timeoutMs })).answer : first.answer;
  }

  async #ask<T>(
    sid: string,
    { call, timeoutMs }: { call: (stub: SessionLedgerStub) => Promise<T>; timeoutMs: number },
  ): Promise<{ answer: Answer<T>; isRetryable: boolean }> {
    try {
      const settled = await settledWithin(call(this.#binding.getByName(await storageName(sid))), timeoutMs);
      const answer: Answer<T> = settled ?? { status: "unavailable", cause: "durable_object_timeout" };
      return { answer, isRetryable: false };
    } catch (error) {
      const answer = { status: "unavailable", cause: "durable_object_unreachable" } as const;
      return { answer, isRetryable: isRetryable(error) };
    }
  }
}

/** https://developers.cloudflare.com/durable-objects/best-practices/error-handling/: never when overloaded. */
function isRetryable(error: unknown): boolean {
  const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean };
  return retryable === true && overloaded !== true;
}
