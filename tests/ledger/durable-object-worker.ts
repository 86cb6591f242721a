/// <reference path="../../edge/host/cloudflare/modules.d.ts" />
/**
 * The Durable Object engine's two sides in real workerd, with the contract's context at the other end of HTTP: the object
 * asks `CONTROL` for its refreshes; the front carries a test's call to the engine.
 */
import { DurableObject } from "cloudflare:workers";
import { durableObjectLedger, type SessionLedgerNamespace } from "../../edge/ledger/durable-object";
import { DurableSession } from "../../edge/ledger/durable-session";
import type { Ledger, LedgerContext, LedgerEntry } from "../../edge/ledger/ledger";

interface Env {
  CONTROL: string;
  SESSION_LEDGER: SessionLedgerNamespace;
}

/** What a bench's context says that is no function. */
export type PlainContext = Pick<LedgerContext, "leaseMs" | "sessionMaxAgeSeconds" | "secrets">;

export interface LedgerCall {
  operation: keyof Ledger;
  sid: string;
  entry?: LedgerEntry;
  leaseMs: number;
}

async function control<T>(env: Env, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${env.CONTROL}/${path}`, { method: "POST", body: JSON.stringify(body) });
  return (await response.json()) as T;
}

export class SessionLedger extends DurableObject<Env> {
  #session: Promise<DurableSession> | null = null;

  async read(sid: string) {
    return (await this.#open()).read(sid);
  }

  async advance(sid: string, entry: LedgerEntry) {
    const session = await this.#open();
    const result = session.advance(sid, entry);
    await control(this.env, "asked", {});
    return result;
  }

  async keep(sid: string, entry: LedgerEntry) {
    return (await this.#open()).keep(sid, entry);
  }

  async end(sid: string) {
    return (await this.#open()).end(sid);
  }

  async alarm(): Promise<void> {
    await (await this.#open()).expire();
  }

  #open(): Promise<DurableSession> {
    this.#session ??= control<PlainContext & { bench: number }>(this.env, "context", {}).then(
      ({ bench, ...plain }) =>
        new DurableSession({
          storage: this.ctx.storage,
          context: {
            ...plain,
            fetch,
            nowMs: Date.now,
            refresh: (entry) => control(this.env, "refresh", { bench, entry }),
            discard: (entry) => control(this.env, "discard", { bench, entry }),
            warn: (event) => void control(this.env, "warn", { bench, event }),
          },
        }),
    );
    return this.#session;
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { operation, sid, entry, leaseMs } = (await request.json()) as LedgerCall;
    const context = { leaseMs } as LedgerContext;
    // Long: on a busy machine 500 new objects take their time, and this is no test of patience.
    const ledger = durableObjectLedger({ binding: env.SESSION_LEDGER, timeoutMs: 30_000 }).open(context);
    return Response.json(await ledger[operation](sid, entry as LedgerEntry));
  },
};
