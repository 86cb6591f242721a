import { describe, expect, it } from "vitest";
import { memoryLedger } from "../../edge/ledger/memory";
import { openBench } from "./bench";
import { ledgerContract } from "./contract";

const memory = {
  open: async (context, handles) => {
    const ledger = memoryLedger().open(context);
    return Array.from({ length: handles }, () => ledger);
  },
  allHaveAsked: async () => {},
} satisfies Parameters<typeof ledgerContract>[1];

ledgerContract("memory", memory);

describe("memory: its clock", () => {
  it("remembers a generation and an end for exactly the session's maximum age", async () => {
    let nowMs = 1_700_000_000_000;
    const { ledgers, sid, first } = await openBench(memory, { nowMs: () => nowMs, sessionMaxAgeSeconds: 100 });
    const [ledger] = ledgers;
    await ledger.keep(sid, first);
    await ledger.end("another");
    nowMs += 99_999;
    expect(await ledger.read(sid)).toMatchObject({ status: "live" });
    expect(await ledger.read("another")).toEqual({ status: "ended" });
    nowMs += 1;
    expect(await ledger.read(sid)).toEqual({ status: "unknown" });
    expect(await ledger.read("another")).toEqual({ status: "unknown" });
  });
});
