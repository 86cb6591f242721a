import { DurableObject } from "cloudflare:workers";
import type { SessionLedgerStub } from "../../ledger/durable-object";
import { DurableSession } from "../../ledger/durable-session";
import type { LedgerEntry } from "../../ledger/ledger";
import { type GatewaySources, nextRuntime } from "../next/runtime";
import { preparePlatform, type WorkerEnv } from "./platform";

/**
 * Makes the Durable Object class `SessionLedger`: one instance a session, named by the hash of its `sid`. It builds the
 * refresh from its own environment, by the same two configurations as the worker.
 */
export function sessionLedgerClass(sources: GatewaySources) {
  return class SessionLedger extends DurableObject<WorkerEnv> implements SessionLedgerStub {
    #session: DurableSession | null = null;

    async read(sid: string) {
      return this.#open().read(sid);
    }

    async advance(sid: string, entry: LedgerEntry) {
      return this.#open().advance(sid, entry);
    }

    async keep(sid: string, entry: LedgerEntry) {
      return this.#open().keep(sid, entry);
    }

    async end(sid: string) {
      return this.#open().end(sid);
    }

    async alarm(): Promise<void> {
      await this.#open().expire();
    }

    /** On first use, not in the constructor: a missing setting then fails the call, and not every later one too. */
    #open(): DurableSession {
      if (this.#session) return this.#session;
      preparePlatform(this.env);
      const { ledgerContext } = nextRuntime(sources).gateway;
      this.#session = new DurableSession({ storage: this.ctx.storage, context: ledgerContext });
      return this.#session;
    }
  };
}
