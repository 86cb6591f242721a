import { createRedisRest, type RedisCause, type RedisRest, type RedisRestOptions } from "./redis-rest";
import { ACQUIRE, DROP, END, READ, REJECT, RELEASE, STORE } from "./redis-scripts";

/** Why a refresh failed, for those who waited for it. */
export interface RefreshFailure {
  cause: string;
  retryAfterSeconds?: number;
}

/** What a step answered. Which of these a step can give stands in its script. */
export type StoreReply =
  | { status: "unknown" }
  | { status: "live"; sealed: string }
  | { status: "ended"; sealed: string | null }
  | { status: "mine"; lease: number }
  | { status: "wait"; lease: number; remainingMs: number }
  | { status: "failed"; failure: RefreshFailure }
  | { status: "done" }
  | { status: "unavailable"; cause: RedisCause };

/** A lease as its holder knows it. */
export interface Lease {
  holder: string;
  lease: number;
}

/** A step that may be sent again when its answer is lost: doing it twice is doing it once. */
const REPEATABLE = 2;

/** The atomic steps on Redis's REST API, one call each; all but `read`, `release` and `drop` try a second time. No step throws. */
export class RedisStore {
  readonly #send: RedisRest;

  constructor(options: RedisRestOptions) {
    this.#send = createRedisRest(options);
  }

  read(key: string): Promise<StoreReply> {
    return this.#run(READ, key, []);
  }

  acquire(key: string, step: { generation: number; holder: string; leaseMs: number; waitedFor: number }) {
    const args = [step.generation, step.holder, Math.ceil(step.leaseMs), step.waitedFor];
    return this.#run(ACQUIRE, key, args, REPEATABLE);
  }

  store(key: string, step: { generation: number; sealed: string; keepSeconds: number; holder: string }) {
    return this.#run(STORE, key, [step.generation, step.sealed, Math.ceil(step.keepSeconds), step.holder], REPEATABLE);
  }

  reject(key: string, step: { generation: number; holder: string; keepSeconds: number }) {
    return this.#run(REJECT, key, [step.generation, step.holder, Math.ceil(step.keepSeconds)], REPEATABLE);
  }

  release(key: string, { holder, lease }: Lease, failure: RefreshFailure | null) {
    return this.#run(RELEASE, key, [holder, lease, failure ? JSON.stringify(failure) : ""]);
  }

  end(key: string, step: { keepSeconds: number }) {
    return this.#run(END, key, [Math.ceil(step.keepSeconds)], REPEATABLE);
  }

  drop(key: string, sealed: string) {
    return this.#run(DROP, key, [sealed]);
  }

  async #run(script: string, key: string, args: (string | number)[], attempts = 1): Promise<StoreReply> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(["EVAL", script, "1", key, ...args.map(String)]);
      if ("result" in answer) return readReply(answer.result);
      if (attempt >= attempts || answer.cause === "redis_unauthorized")
        return { status: "unavailable", cause: answer.cause };
    }
  }
}

function readReply(reply: unknown): StoreReply {
  const [status, first, second] = Array.isArray(reply) ? (reply as unknown[]) : [];
  switch (status) {
    case "unknown":
    case "done":
      return { status };
    case "ended":
      return { status, sealed: typeof first === "string" ? first : null };
    case "live":
      if (typeof first === "string") return { status, sealed: first };
      break;
    case "mine":
      if (typeof first === "number") return { status, lease: first };
      break;
    case "wait":
      if (typeof first === "number" && typeof second === "number") return { status, lease: first, remainingMs: second };
      break;
    case "failed":
      return { status, failure: readFailure(first) };
  }
  return { status: "unavailable", cause: "redis_error" };
}

function readFailure(json: unknown): RefreshFailure {
  try {
    const { cause, retryAfterSeconds } = JSON.parse(String(json)) as Record<string, unknown>;
    if (typeof cause === "string") {
      return typeof retryAfterSeconds === "number" ? { cause, retryAfterSeconds } : { cause };
    }
  } catch {
    // Falls through: what others wrote there is not worth an exception.
  }
  return { cause: "unknown" };
}
