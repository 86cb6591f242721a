import { describe, expect, it } from "vitest";
import { newSessionId } from "../../edge/session/session";
import { openBench } from "./bench";
import { ledgerContract } from "./contract";
import { durableObjectBench } from "./durable-object-bench";

const bench = durableObjectBench();

ledgerContract("durable object", bench);

describe("durable object: its life", () => {
  it("remembers a generation when it was evicted from memory", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const before = await bench.workerd.ids();
    const second = await ledgers[0].advance(sid, first);
    const [id] = (await bench.workerd.ids()).filter((each) => !before.includes(each));
    await bench.workerd.evict(id);
    expect(await ledgers[1].read(sid)).toEqual(second);
    expect(await ledgers[2].advance(sid, first)).toEqual(second);
    expect(provider.grants).toBe(1);
  });

  it("remembers a generation and an end when the whole process was killed", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const ended = newSessionId();
    const second = await ledgers[0].advance(sid, first);
    await ledgers[0].end(ended);
    await bench.workerd.kill();
    expect(await ledgers[1].advance(sid, first)).toEqual(second);
    expect(await ledgers[1].read(ended)).toEqual({ status: "ended" });
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("tries again after it was killed in mid-grant: the one loss, if the token was spent by then", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const held = provider.holdNext();
    const call = ledgers[0].advance(sid, first).catch(() => "cut off");
    await held.arrived;
    await bench.workerd.kill();
    expect(await call).toBe("cut off");
    held.release();
    expect(await ledgers[1].advance(sid, first)).toEqual({ status: "ended" });
    expect(provider).toMatchObject({ grants: 2, reuses: 1 });
  });

  it("finishes a refresh that nobody waits for any more", async () => {
    const { provider, ledgers, sid, first } = await openBench(bench);
    const held = provider.holdNext();
    const controller = new AbortController();
    const body = JSON.stringify({ operation: "advance", sid, entry: first, leaseMs: 10_000 });
    const gone = fetch(bench.workerd.origins[0], { method: "POST", body, signal: controller.signal }).catch(() => {});
    await held.arrived;
    controller.abort();
    await gone;
    held.release();
    const second = { status: "live", entry: { generation: 2, tokens: { refreshToken: "refresh.family-1.2" } } };
    expect(await ledgers[1].advance(sid, first)).toMatchObject(second);
    expect(provider).toMatchObject({ grants: 1, reuses: 0 });
  });

  it("stores no token, and no session id, in the clear", async () => {
    const { ledgers, sid, first } = await openBench(bench);
    const second = await ledgers[0].advance(sid, first);
    if (second.status !== "live") throw new Error("not live");
    const stored = Buffer.concat(await bench.workerd.dump()).toString("latin1");
    const { accessToken, refreshToken } = second.entry.tokens;
    for (const secret of [sid, accessToken, `${refreshToken}`, first.tokens.accessToken, "offline_access"]) {
      expect(stored).not.toContain(secret);
      expect(stored).not.toContain(Buffer.from(secret).toString("base64url"));
    }
  });
});
