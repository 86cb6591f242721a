import type { Ledger, LedgerContext, LedgerEntry } from "../../edge/ledger/ledger";
import { newSessionId } from "../../edge/session/session";
import { FakeProvider } from "./fake-provider";

/** How the contract gets at an engine. */
export interface ContractEngine {
  /**
   * Opens so many independent handles on one store, as so many processes would. An engine of one process gives the same
   * one again and again.
   */
  open(context: LedgerContext, handles: number): Promise<Ledger[]>;
  /** Settles when each of these handles has asked the store at least once since `open`. */
  allHaveAsked(handles: number): Promise<void>;
}

/** A ledger under test with everything around it. */
export interface Bench {
  provider: FakeProvider;
  ledgers: [Ledger, Ledger, Ledger];
  discarded: LedgerEntry[];
  warnings: string[];
  sid: string;
  /** The session's first generation. */
  first: LedgerEntry;
}

const HANDLES = 3;

/** The secrets of the tests' deployment. */
export const SECRETS = ["a-secret-of-more-than-thirty-two-characters"] as const;

/** Opens three handles on one store, beside a fresh provider with one session. */
export async function openBench(engine: Pick<ContractEngine, "open">, overrides: Partial<LedgerContext> = {}) {
  const provider = new FakeProvider();
  const discarded: LedgerEntry[] = [];
  const warnings: string[] = [];
  const context: LedgerContext = {
    refresh: provider.refresh,
    discard: async (entry) => void discarded.push(entry),
    nowMs: Date.now,
    fetch,
    sessionMaxAgeSeconds: 3600,
    leaseMs: 10_000,
    secrets: SECRETS,
    warn: (event) => warnings.push(event),
    ...overrides,
  };
  const ledgers = (await engine.open(context, HANDLES)) as Bench["ledgers"];
  return { provider, discarded, warnings, ledgers, sid: newSessionId(), first: provider.issue() } satisfies Bench;
}

/** Calls spread over the handles in turn. */
export function spread<T>(ledgers: readonly Ledger[], count: number, call: (ledger: Ledger) => Promise<T>) {
  return Array.from({ length: count }, (_, i) => call(ledgers[i % ledgers.length] as Ledger));
}
