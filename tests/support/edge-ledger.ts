import type { Ledger, LedgerContext, LedgerEngine } from "@/edge";

/** How often each operation was called. */
export interface LedgerCounts {
  read: number;
  advance: number;
  keep: number;
  end: number;
}

/** An engine that counts what is asked of it. */
export function countingLedger(inner: LedgerEngine): { engine: LedgerEngine; counts: LedgerCounts } {
  const counts: LedgerCounts = { read: 0, advance: 0, keep: 0, end: 0 };
  const open = (context: LedgerContext): Ledger => {
    const ledger = inner.open(context);
    return {
      read: (sid) => {
        counts.read += 1;
        return ledger.read(sid);
      },
      advance: (sid, entry) => {
        counts.advance += 1;
        return ledger.advance(sid, entry);
      },
      keep: (sid, entry) => {
        counts.keep += 1;
        return ledger.keep(sid, entry);
      },
      end: (sid) => {
        counts.end += 1;
        return ledger.end(sid);
      },
    };
  };
  return { engine: { ...inner, open }, counts };
}

/** One store for several gateways, that can be down: what Redis is in production. */
export function sharedLedger(inner: LedgerEngine): {
  engine: LedgerEngine;
  counts: LedgerCounts;
  state: { isDown: boolean };
} {
  const { engine, counts } = countingLedger(inner);
  const state = { isDown: false };
  let opened: Ledger | null = null;
  const down = { status: "unavailable", cause: "store_down" } as const;
  const open = (context: LedgerContext): Ledger => {
    opened ??= engine.open(context);
    const ledger = opened;
    return {
      read: async (sid) => (state.isDown ? down : ledger.read(sid)),
      advance: async (sid, entry) => (state.isDown ? down : ledger.advance(sid, entry)),
      keep: async (sid, entry) => !state.isDown && ledger.keep(sid, entry),
      end: async (sid) => (state.isDown ? { ended: false, newest: null } : ledger.end(sid)),
    };
  };
  return { engine: { name: "shared", scope: "shared", open }, counts, state };
}
