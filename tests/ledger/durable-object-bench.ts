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
  const control = new Control();
  let folder: string;
  const bench = {
    async open(context, handles) {
      control.begin(context);
      return bench.workerd.origins.slice(0, handles).map((origin) => handleOn(origin, { control, context }));
    },
    allHaveAsked: () => control.allHaveAsked(),
  } as ContractEngine as DurableObjectBench;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ledger-worker-"));
    const entry = join(import.meta.dirname, "durable-object-worker.ts");
    const script = await bundleTestWorker(entry, join(folder, "worker.js"));
    const vars = { CONTROL: await control.start() };
    bench.workerd = await startWorkerd({ script, isolates: ISOLATES, assets: false, vars });
  });
  afterAll(async () => {
    await bench.workerd.stop();
    await control.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return bench;
}

/** The test's side of the objects' context: their refreshes, and who has asked for one. */
class Control {
  /** `advance` calls that the handles have made, and that have arrived. */
  calls = 0;
  #asked = 0;
  readonly #contexts: LedgerContext[] = [];
  readonly #server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.end(JSON.stringify((await this.#answer(request.url ?? "", JSON.parse(body))) ?? null));
  });
  #close = async (): Promise<void> => {};

  async start(): Promise<string> {
    // workerd keeps connections; one that Node closes as idle in the moment of its next use would fail a call.
    this.#server.keepAliveTimeout = 60_000;
    const { origin, close } = await listen(this.#server);
    this.#close = close;
    return origin;
  }

  stop(): Promise<void> {
    return this.#close();
  }

  /** From now on, new objects have this context. */
  begin(context: LedgerContext): void {
    this.#contexts.push(context);
    this.calls = 0;
    this.#asked = 0;
  }

  /** Stricter than the contract: all calls, since an isolate shares nothing between two of them. */
  async allHaveAsked(): Promise<void> {
    await vi.waitFor(() => {
      if (this.#asked < this.calls) throw new Error(`${this.#asked} of ${this.calls} have asked`);
    });
  }

  async #answer(path: string, body: { bench: number; entry: LedgerEntry; event: string }): Promise<unknown> {
    const context = this.#contexts[body.bench ?? this.#contexts.length - 1];
    const { leaseMs, sessionMaxAgeSeconds, secrets } = context;
    if (path === "/context") return { bench: this.#contexts.length - 1, leaseMs, sessionMaxAgeSeconds, secrets };
    if (path === "/refresh") return context.refresh(body.entry);
    if (path === "/discard") return context.discard(body.entry);
    if (path === "/warn") return context.warn(body.event);
    this.#asked += 1;
    return null;
  }
}

/** The engine in one isolate, behind HTTP. */
function handleOn(origin: string, { control, context }: { control: Control; context: LedgerContext }): Ledger {
  const call = async (operation: keyof Ledger, sid: string, entry?: LedgerEntry) => {
    const body: LedgerCall = { operation, sid, leaseMs: context.leaseMs, ...(entry && { entry }) };
    if (operation === "advance") control.calls += 1;
    return (await fetch(origin, { method: "POST", body: JSON.stringify(body) })).json();
  };
  return {
    read: (sid) => call("read", sid),
    advance: (sid, entry) => call("advance", sid, entry),
    keep: (sid, entry) => call("keep", sid, entry),
    end: (sid) => call("end", sid),
  };
}
