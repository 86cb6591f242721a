import { describe, expect, it } from "vitest";
import { Flights } from "../../edge/ledger/flights";

const never = new Promise<never>(() => {});

describe("flights in one process", () => {
  it("share one piece of work by key", async () => {
    const flights = new Flights<number>(Date.now);
    let started = 0;
    const start = async () => ++started;
    expect(await Promise.all([flights.join("a", start), flights.join("a", start), flights.join("b", start)])).toEqual([
      1, 1, 2,
    ]);
    expect(await flights.join("a", start)).toBe(3);
  });

  it("are taken over from an owner that gives no sign of life", async () => {
    const flights = new Flights<string>(Date.now);
    let started = 0;
    const start = async (lifeline: { trustFor(ms: number): void }) => {
      lifeline.trustFor(50);
      if (++started === 1) return never;
      lifeline.trustFor(10_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return "second";
    };
    const startMs = performance.now();
    expect(await Promise.all([flights.join("a", start), flights.join("a", start)])).toEqual(["second", "second"]);
    expect(started).toBe(2);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(45);
  });

  it("notice that an owner asks for less time than before", async () => {
    const flights = new Flights<string>(Date.now);
    let started = 0;
    const result = flights.join("a", (lifeline) => {
      lifeline.trustFor(60_000);
      queueMicrotask(() => lifeline.trustFor(50));
      return ++started === 1 ? never : Promise.resolve("second");
    });
    expect(await result).toBe("second");
  });

  it("are left alone while the owner asks for more time", async () => {
    const flights = new Flights<string>(Date.now);
    let started = 0;
    const start = async (lifeline: { trustFor(ms: number): void }) => {
      started += 1;
      for (let step = 0; step < 10; step++) {
        lifeline.trustFor(200);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      return "first";
    };
    expect(await Promise.all([flights.join("a", start), flights.join("a", start)])).toEqual(["first", "first"]);
    expect(started).toBe(1);
  });

  it("pass on a failure to everybody, once", async () => {
    const flights = new Flights<string>(Date.now);
    const failing = () => Promise.reject(new Error("no"));
    const results = await Promise.allSettled([flights.join("a", failing), flights.join("a", failing)]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await flights.join("a", async () => "again")).toBe("again");
  });
});
