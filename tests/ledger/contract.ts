import { describe, expect, it, vi } from "vitest";
import { newSessionId } from "../../edge/session/session";
import { type ContractEngine, openBench, spread } from "./bench";
import { replacing } from "./contract-replacing";

/** What every engine promises, run unchanged on each. */
export function ledgerContract(name: string, engine: ContractEngine): void {
  describe(`${name}: refreshing`, () => refreshing(engine));
  describe(`${name}: failing`, () => failing(engine));
  describe(`${name}: ending`, () => ending(engine));
  describe(`${name}: remembering`, () => remembering(engine));
  describe(`${name}: replacing a holder that is gone`, () => replacing(engine));
}

function refreshing(engine: ContractEngine): void {
  it("runs one refresh for a hundred callers", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const held = provider.holdNext();
    const calls = spread(ledgers, 100, (ledger) => ledger.advance(sid, first));
    await held.arrived;
    await engine.allHaveAsked(ledgers.length);
    held.release();
    const results = await Promise.all(calls);
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results[0]).toMatchObject({
      status: "live",
      entry: { generation: 2, provider: "oidc", tokens: { refreshToken: "refresh.family-1.2" } },
    });
  });

  it("gives a stale generation the newest without a grant", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const second = await ledgers[0].advance(sid, first);
    expect(second.status).toBe("live");
    expect(await ledgers[1].advance(sid, first)).toEqual(second);
    expect(await ledgers[0].advance(sid, first)).toEqual(second);
    expect(provider.grants).toBe(1);
  });

  it("refreshes generation after generation", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    let entry = first;
    for (let generation = 2; generation <= 5; generation++) {
      const [result] = await Promise.all(spread(ledgers, 6, (ledger) => ledger.advance(sid, entry)));
      if (result?.status !== "live") throw new Error(`not live: ${result?.status}`);
      expect(result.entry.generation).toBe(generation);
      entry = result.entry;
    }
    expect(provider).toMatchObject({ grants: 4, reuses: 0 });
  });

  it("never mixes two sessions", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const other = { sid: newSessionId(), first: provider.issue() };
    const [mine, theirs] = await Promise.all([
      ledgers[0].advance(sid, first),
      ledgers[1].advance(other.sid, other.first),
    ]);
    expect(mine).toMatchObject({ entry: { tokens: { refreshToken: "refresh.family-1.2" } } });
    expect(theirs).toMatchObject({ entry: { tokens: { refreshToken: "refresh.family-2.2" } } });
    await ledgers[0].end(sid);
    expect(await ledgers[0].read(other.sid)).toEqual(theirs);
  });

  it("runs 500 refreshes for 500 sessions at once", async () => {
    const { provider, ledgers } = await openBench(engine);
    const sessions = Array.from({ length: 500 }, () => ({ sid: newSessionId(), first: provider.issue() }));
    const results = await Promise.all(
      sessions.flatMap(({ sid, first }) => spread(ledgers, 2, (ledger) => ledger.advance(sid, first))),
    );
    expect(results.filter(({ status }) => status !== "live")).toEqual([]);
    expect(provider).toMatchObject({ grants: 500, reuses: 0 });
  });
}

function failing(engine: ContractEngine): void {
  const failure = { cause: "timeout", retryAfterSeconds: 7 } as const;

  it("gives a failed refresh to all who waited for it, after one grant", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const held = provider.holdNext();
    const calls = spread(ledgers, 30, (ledger) => ledger.advance(sid, first));
    await held.arrived;
    await engine.allHaveAsked(ledgers.length);
    held.release({ status: "unavailable", ...failure });
    expect(new Set((await Promise.all(calls)).map((result) => JSON.stringify(result)))).toEqual(
      new Set([JSON.stringify({ status: "refresh_failed", ...failure })]),
    );
    expect(provider.grants).toBe(1);
  });

  it("tries again at once for a caller that comes after a failure", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    provider.answerNext({ status: "unavailable", ...failure });
    expect(await ledgers[0].advance(sid, first)).toEqual({ status: "refresh_failed", ...failure });
    expect(await ledgers[1].advance(sid, first)).toMatchObject({ status: "live", entry: { generation: 2 } });
    expect(provider.grants).toBe(2);
  });

  it("leaves the session as it was after a failure", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    expect(await ledgers[0].keep(sid, first)).toBe(true);
    provider.answerNext({ status: "unavailable", cause: "timeout" });
    expect(await ledgers[0].advance(sid, first)).toEqual({ status: "refresh_failed", cause: "timeout" });
    expect(await ledgers[1].read(sid)).toEqual({ status: "live", entry: first });
  });
}

function ending(engine: ContractEngine): void {
  it("keeps an ended session ended, whatever comes back", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const second = await ledgers[0].advance(sid, first);
    if (second.status !== "live") throw new Error("not live");
    expect(await ledgers[1].end(sid)).toEqual({ ended: true, newest: second.entry });
    for (const ledger of ledgers) {
      expect(await ledger.read(sid)).toEqual({ status: "ended" });
      expect(await ledger.advance(sid, first)).toEqual({ status: "ended" });
      expect(await ledger.advance(sid, second.entry)).toEqual({ status: "ended" });
      expect(await ledger.keep(sid, { ...first, generation: 9 })).toBe(false);
      expect(await ledger.read(sid)).toEqual({ status: "ended" });
    }
    expect(provider.grants).toBe(1);
  });

  it("ends a session that it has never heard of", async () => {
    const { ledgers, sid } = await openBench(engine);
    expect(await ledgers[0].end(sid)).toEqual({ ended: true, newest: null });
    expect(await ledgers[1].read(sid)).toEqual({ status: "ended" });
  });

  it("lets a sign-out win over a refresh in flight, and hands its tokens over to be revoked", async () => {
    const { provider, ledgers, sid, first, discarded } = await openBench(engine);
    const held = provider.holdNext();
    const calls = spread(ledgers, 9, (ledger) => ledger.advance(sid, first));
    await held.arrived;
    await ledgers[1].end(sid);
    held.release();
    for (const result of await Promise.all(calls)) expect(result).toEqual({ status: "ended" });
    expect(await ledgers[2].read(sid)).toEqual({ status: "ended" });
    await vi.waitFor(() => expect(discarded).toHaveLength(1));
    expect(discarded).toMatchObject([{ generation: 2, tokens: { refreshToken: "refresh.family-1.2" } }]);
  });

  it("ends a session for everybody when its refresh token is refused", async () => {
    const { provider, ledgers, sid, first, discarded } = await openBench(engine);
    provider.answerNext({ status: "rejected" });
    const results = await Promise.all(spread(ledgers, 9, (ledger) => ledger.advance(sid, first)));
    for (const result of results) expect(result).toEqual({ status: "ended" });
    for (const ledger of ledgers) expect(await ledger.read(sid)).toEqual({ status: "ended" });
    expect(provider.grants).toBe(1);
    expect(discarded).toEqual([]);
  });
}

function remembering(engine: ContractEngine): void {
  it("knows nothing of a session at first", async () => {
    const { ledgers, sid } = await openBench(engine);
    expect(await ledgers[0].read(sid)).toEqual({ status: "unknown" });
  });

  it("gives back what it was given to keep", async () => {
    const { ledgers, sid, first } = await openBench(engine);
    expect(await ledgers[0].keep(sid, first)).toBe(true);
    expect(await ledgers[1].read(sid)).toEqual({ status: "live", entry: first });
  });

  it("keeps a newer generation and never goes back", async () => {
    const { provider, ledgers, sid, first } = await openBench(engine);
    const third = { ...provider.issue(), generation: 3 };
    expect(await ledgers[0].keep(sid, third)).toBe(true);
    expect(await ledgers[1].keep(sid, first)).toBe(true);
    expect(await ledgers[1].read(sid)).toEqual({ status: "live", entry: third });
    expect(await ledgers[1].keep(sid, { ...first, generation: 4 })).toBe(true);
    expect(await ledgers[0].read(sid)).toMatchObject({ entry: { generation: 4 } });
  });

  it("forgets a session and its end when no cookie of it can come back", async () => {
    const { ledgers, sid, first } = await openBench(engine, { sessionMaxAgeSeconds: 1 });
    const endedSid = newSessionId();
    const startMs = performance.now();
    await ledgers[0].keep(sid, first);
    await ledgers[0].end(endedSid);
    for (const [each, known] of [
      [sid, "live"],
      [endedSid, "ended"],
    ] as const) {
      await vi.waitFor(
        async () => {
          const { status } = await ledgers[1].read(each);
          if (performance.now() - startMs < 900 && status !== known) throw new Error(`${known} was forgotten early`);
          expect(status).toBe("unknown");
        },
        { timeout: 5_000, interval: 20 },
      );
    }
  });
}
