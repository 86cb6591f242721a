import { describe, expect, it } from "vitest";
import { durableObjectLedger, type SessionLedgerStub } from "../../edge/ledger/durable-object";
import { DurableSession, type SessionStorage } from "../../edge/ledger/durable-session";
import type { LedgerContext, LedgerEntry } from "../../edge/ledger/ledger";
import { newSessionId } from "../../edge/session/session";
import { openBench, SECRETS } from "./bench";

const LEASE_MS = 50;
const TIMEOUT_MS = 30;

/** Opens the engine on an object whose every method is this one. */
async function callerOf(method: () => Promise<never>) {
  let calls = 0;
  const counted = (): Promise<never> => {
    calls += 1;
    return method();
  };
  const stub: SessionLedgerStub = { read: counted, advance: counted, keep: counted, end: counted };
  const engine = durableObjectLedger({ binding: { getByName: () => stub }, timeoutMs: TIMEOUT_MS });
  const { ledgers, sid, first } = await openBench(
    { open: async (context) => [engine.open(context)] },
    { leaseMs: LEASE_MS },
  );
  return { ledger: ledgers[0], sid, first, calls: () => calls };
}

const failing = (properties: object) => () => Promise.reject(Object.assign(new Error("reset"), properties));

describe("durable object: the caller's side", () => {
  it.each([
    ["never answers", () => new Promise<never>(() => {}), "durable_object_timeout", 4],
    ["can't be reached", failing({}), "durable_object_unreachable", 4],
    ["is overloaded", failing({ retryable: true, overloaded: true }), "durable_object_unreachable", 4],
    // All but `advance` are asked once more.
    ["was reset", failing({ retryable: true }), "durable_object_unreachable", 7],
  ])("ends no session when the object %s", async (_what, method, cause, expectedCalls) => {
    const { ledger, sid, first, calls } = await callerOf(method);
    expect(await ledger.read(sid)).toEqual({ status: "unavailable", cause });
    expect(await ledger.advance(sid, first)).toEqual({ status: "unavailable", cause });
    expect(await ledger.keep(sid, first)).toBe(false);
    expect(await ledger.end(sid)).toEqual({ ended: false, newest: null });
    expect(calls()).toBe(expectedCalls);
  });

  it("does not open without its binding, and names it", () => {
    expect(() => durableObjectLedger({ binding: undefined }).open({} as LedgerContext)).toThrow(/^SESSION_LEDGER /);
    expect(() => durableObjectLedger({ binding: undefined, timeoutMs: 0 })).toThrow(/timeoutMs/);
  });
});

/** What a Durable Object's storage does, without the durability. */
function fakeStorage(): SessionStorage & { values: Map<string, unknown> } {
  const values = new Map<string, unknown>();
  return {
    values,
    get: async (key) => values.get(key),
    put: async (key, value) => void values.set(key, value),
    setAlarm: async () => {},
    deleteAll: async () => values.clear(),
  };
}

describe("durable object: what it finds in its storage", () => {
  const entry: LedgerEntry = {
    generation: 5,
    provider: "oidc",
    tokens: { accessToken: "a", expiresAtSeconds: 1, lifetimeSeconds: 1, refreshToken: "r", scope: null },
  };
  const open = (storage: SessionStorage, overrides: Partial<LedgerContext> = {}) => {
    const warnings: string[] = [];
    const context: LedgerContext = {
      refresh: () => Promise.reject(new Error("a bug")),
      discard: async () => {},
      fetch,
      nowMs: Date.now,
      sessionMaxAgeSeconds: 60,
      leaseMs: LEASE_MS,
      secrets: SECRETS,
      warn: (event) => warnings.push(event),
      ...overrides,
    };
    return { session: new DurableSession({ storage, context }), warnings };
  };

  it("opens an older secret's entry, and leaves a newer one's alone", async () => {
    const [storage, sid] = [fakeStorage(), newSessionId()];
    await open(storage).session.keep(sid, entry);
    const newer = "another-secret-of-more-than-thirty-two-characters";
    const rotated = open(storage, { secrets: [newer, ...SECRETS] });
    expect(await rotated.session.read(sid)).toEqual({ status: "live", entry });
    const foreign = open(storage, { secrets: [newer] });
    const unavailable = { status: "unavailable", cause: "durable_object_foreign_secret" };
    expect(await foreign.session.read(sid)).toEqual(unavailable);
    expect(await foreign.session.advance(sid, { ...entry, generation: 4 })).toEqual(unavailable);
    expect(await foreign.session.keep(sid, entry)).toBe(false);
    expect(foreign.warnings).toContain("ledger_entry_foreign");
    expect(await open(storage).session.read(sid)).toEqual({ status: "live", entry });
    expect(await foreign.session.end(sid)).toEqual({ ended: true, newest: null });
    expect(await open(storage).session.read(sid)).toEqual({ status: "ended" });
  });

  it("takes a damaged entry for none", async () => {
    const storage = fakeStorage();
    await storage.put("session", { sealed: "nonsense" });
    const { session, warnings } = open(storage);
    expect(await session.read(newSessionId())).toEqual({ status: "unknown" });
    expect(warnings).toEqual(["ledger_entry_damaged"]);
  });

  it("leaves nothing behind for a session that was only looked up", async () => {
    const storage = fakeStorage();
    await open(storage).session.read(newSessionId());
    expect(storage.values.size).toBe(0);
  });

  it("gives a cause when the refresh throws, and the session stays", async () => {
    const [storage, sid] = [fakeStorage(), newSessionId()];
    const { session, warnings } = open(storage);
    expect(await session.advance(sid, entry)).toEqual({ status: "refresh_failed", cause: "refresh_threw" });
    expect(await session.read(sid)).toEqual({ status: "unknown" });
    expect(warnings).toEqual(["refresh_threw"]);
  });

  it("lets an end win over a generation that is being sealed", async () => {
    const [storage, sid] = [fakeStorage(), newSessionId()];
    const { session } = open(storage);
    await session.read(sid);
    const [kept, ended] = await Promise.all([session.keep(sid, entry), session.end(sid)]);
    expect([kept, ended]).toEqual([false, { ended: true, newest: entry }]);
    expect(await open(storage).session.read(sid)).toEqual({ status: "ended" });
    expect(JSON.stringify([...storage.values])).toBe('[["session",{"ended":true}]]');
  });
});
