/** How a flight tells those who wait for it that its owner is alive. */
export interface Lifeline {
  /** Another sign of life follows within this time, or the owner is gone. */
  trustFor(ms: number): void;
  /** False once another caller has taken over: a bad outcome of this flight then says nothing about the work. */
  isCurrent(): boolean;
}

interface Flight<Result> {
  promise: Promise<Result>;
  untilMs: number;
  /** Another caller took over. What it still brings is for the work's own records, for nobody who waits. */
  isLost: boolean;
}

/** How often a waiting caller looks whether the owner still is trusted: what it asks for changes from step to step. */
const CHECK_MS = 100;

/**
 * Single flight in one process: callers with the same key share one piece of work.
 *
 * On workerd a promise belongs to the request that made it, and is never settled once that request is cancelled. So
 * nobody waits on the promise alone: every caller has a timer of its own, and takes over when the owner has given no
 * sign of life in the time it asked for. The work must therefore bear being done twice.
 */
export class Flights<Result> {
  readonly #byKey = new Map<string, Flight<Result>>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The result of the flight with this key; one is started when there is none, or when its owner is gone. */
  async join(key: string, start: (lifeline: Lifeline) => Promise<Result>): Promise<Result> {
    for (;;) {
      const flight = this.#byKey.get(key) ?? this.#start(key, start);
      const trustedMs = Math.max(0, flight.untilMs - this.#nowMs());
      const settled = await settledWithin(flight.promise, Math.min(trustedMs, CHECK_MS));
      if (settled && !flight.isLost) return settled.value;
      if (flight.untilMs > this.#nowMs() || this.#byKey.get(key) !== flight) continue;
      flight.isLost = true;
      this.#byKey.delete(key);
    }
  }

  #start(key: string, start: (lifeline: Lifeline) => Promise<Result>): Flight<Result> {
    const flight = { untilMs: this.#nowMs(), isLost: false } as Flight<Result>;
    const done = (): void => {
      if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
    };
    this.#byKey.set(key, flight);
    flight.promise = start({
      trustFor: (ms) => {
        flight.untilMs = this.#nowMs() + ms;
      },
      isCurrent: () => !flight.isLost,
    });
    flight.promise.then(done, done);
    return flight;
  }
}

/** The promise's value, or null when it does not come in time. The timer is the caller's own, so it fires for the caller. */
export async function settledWithin<T>(promise: Promise<T>, timeoutMs: number): Promise<{ value: T } | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    return await Promise.race([promise.then((value) => ({ value })), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
