import { expect, it, vi } from "vitest";
import { type ContractEngine, openBench, spread } from "./bench";

const SHORT_LEASE_MS = 300;

/** The part of the ledger contract about holders that are lost, late, or overlap with their replacements. */
export function replacing(engine: ContractEngine): void {
  it("lets another caller take over from a refresh that never settles", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine, { leaseMs: SHORT_LEASE_MS });
    const never = provider.holdNext();
    const startMs = performance.now();
    const calls = spread(ledgers, 12, (ledger) => ledger.advance(sid, first));
    await never.arrived;
    provider.answerNext({ status: "refreshed", tokens: { ...first.tokens, refreshToken: "second try" } });
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({
        status: "live",
        entry: { generation: 2, tokens: { refreshToken: "second try" } },
      });
    }
    expect(provider.grants).toBe(2);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(SHORT_LEASE_MS - 5);
  });

  it("keeps a late holder's success when its replacement is refused", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine, { leaseMs: SHORT_LEASE_MS });
    const late = provider.holdNext();
    const calls = spread(ledgers, 6, (ledger) => ledger.advance(sid, first));
    await late.arrived;
    const replacement = provider.holdNext();
    await replacement.arrived;
    expect(provider.reuses).toBe(1);
    late.release();
    await vi.waitFor(async () => expect(await ledgers[2].read(sid)).toMatchObject({ entry: { generation: 2 } }));
    replacement.release();
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({ status: "live", entry: { tokens: { refreshToken: "refresh.family-1.2" } } });
    }
    expect(await ledgers[1].read(sid)).toMatchObject({ status: "live", entry: { generation: 2 } });
  });

  it("gives up no newer generation for a success that comes too late", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine, { leaseMs: SHORT_LEASE_MS });
    const late = provider.holdNext();
    const calls = spread(ledgers, 6, (ledger) => ledger.advance(sid, first));
    await late.arrived;
    provider.answerNext({ status: "refreshed", tokens: { ...first.tokens, refreshToken: "replacement's" } });
    await Promise.all(calls);
    late.release();
    expect(await ledgers[0].advance(sid, first)).toMatchObject({
      entry: { tokens: { refreshToken: "replacement's" } },
    });
    await vi.waitFor(() => expect(provider.grants).toBe(2));
    expect(await ledgers[1].read(sid)).toMatchObject({ entry: { tokens: { refreshToken: "replacement's" } } });
  });

  it("ends nothing on a late holder's refusal while its replacement is refreshing", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine, { leaseMs: SHORT_LEASE_MS });
    const late = provider.holdNext();
    const calls = [ledgers[0].advance(sid, first), ledgers[1].advance(sid, first)];
    await late.arrived;
    const replacement = provider.holdNext();
    await replacement.arrived;
    late.release({ status: "rejected" });
    for (const endMs = performance.now() + 100; performance.now() < endMs; ) {
      expect(await ledgers[2].read(sid)).toEqual({ status: "unknown" });
    }
    replacement.release({ status: "refreshed", tokens: { ...first.tokens, refreshToken: "replacement's" } });
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({ status: "live", entry: { tokens: { refreshToken: "replacement's" } } });
    }
    expect(await ledgers[2].read(sid)).toMatchObject({ status: "live" });
  });
}
