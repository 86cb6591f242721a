import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import type { Ledger, LedgerContext, LedgerEntry } from "../../edge/ledger/ledger";
import { listen } from "../support/listen.mjs";
import { bundleTestWorker, startWorkerd } from "../support/workerd.mjs";
import type { ContractEngine } from "./bench";
import type { LedgerCall } from "./durable-object-worker";

/** Three isolates and their Durable Objects in one workerd for a test file. */
export interface DurableObjectBench extends ContractEngine {
  workerd: Awaited<ReturnType<typeof startWorkerd>>;
}

const ISOLATES = 3;

/** Registers the hooks that start and stop them. */
export function durableObjectBench(): DurableObjectBench {
  const bench = {} as DurableObjectBench;
  const contexts: LedgerContext[] = [];
  let calls = 0;
  let asked = 0;
  const operations: Record<string, (body: { bench: number; entry: LedgerEntry; event: string }) => unknown> = {
    context() {
      const { leaseMs, sessionMaxAgeSeconds, secrets } = contexts.at(-1) as LedgerContext;
      return { bench: contexts.length - 1, leaseMs, sessionMaxAgeSeconds, secrets };
    },
    refresh: ({ bench: index, entry }) => contexts[index].refresh(entry),
    discard: ({ bench: index, entry }) => contexts[index].discard(entry),
    warn: ({ bench: index, event }) => contexts[index].warn(event),
    asked: () => ++asked,
  };
  const control = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const result = await operations[request.url?.slice(1) ?? ""](JSON.parse(body));
    response.end(JSON.stringify(result ?? null));
  });
  // workerd keeps connections; one that Node closes as idle in the moment of its next use would fail a call.
  control.keepAliveTimeout = 60_000;
  const handle = (origin: string, leaseMs: number): Ledger => {
    const call = async (operation: keyof Ledger, sid: string, entry?: LedgerEntry) => {
      const body: LedgerCall = { operation, sid, leaseMs, ...(entry && { entry }) };
      if (operation === "advance") calls += 1;
      return (await fetch(origin, { method: "POST", body: JSON.stringify(body) })).json();
    };
    return {
      read: (sid) => call("read", sid),
      advance: (sid, entry) => call("advance", sid, entry),
      keep: (sid, entry) => call("keep", sid, entry),
      end: (sid) => call("end", sid),
    };
  };
  Object.assign(bench, {
    async open(context: LedgerContext, handles: number) {
      contexts.push(context);
      [calls, asked] = [0, 0];
      return bench.workerd.origins.slice(0, handles).map((origin) => handle(origin, context.leaseMs));
    },
    // Stricter than asked for: all calls, since a handle is an isolate that shares nothing between two of them.
    allHaveAsked: () =>
      vi.waitFor(() => {
        if (asked < calls) throw new Error(`${asked} of ${calls} have asked`);
      }),
  } satisfies ContractEngine);
  let folder: string;
  let closeControl: () => Promise<void>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ledger-worker-"));
    const entry = join(import.meta.dirname, "durable-object-worker.ts");
    const script = await bundleTestWorker(entry, join(folder, "worker.js"));
    const { origin, close } = await listen(control);
    closeControl = close;
    bench.workerd = await startWorkerd({ script, isolates: ISOLATES, assets: false, vars: { CONTROL: origin } });
  });
  afterAll(async () => {
    await bench.workerd.stop();
    await closeControl();
    await rm(folder, { recursive: true, force: true });
  });
  return bench;
}
