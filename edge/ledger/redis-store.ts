import { errors, Redis } from "@upstash/redis/cloudflare";
import { ACQUIRE, DROP, END, READ, REJECT, RELEASE, STORE } from "./redis-scripts";

/** Why a refresh failed, for those who waited for it. */
export interface RefreshFailure {
  cause: string;
  retryAfterSeconds?: number;
}

/** The closed set of causes for the log. */
export type RedisCause = "redis_unreachable" | "redis_unauthorized" | "redis_timeout" | "redis_error";

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

/** How to reach Redis. */
export interface RedisStoreOptions {
  url: string;
  token: string;
  timeoutMs: number;
}

/** A step that may be sent again when its answer is lost: doing it twice is doing it once. */
const REPEATABLE = 2;

/**
 * The atomic steps on Redis's REST API, one call each; `store`, `reject` and `end` try a second time. No step throws,
 * and no text of an answer goes further than this file: the client's errors quote the command, sealed entry and all.
 */
export class RedisStore {
  readonly #redis: Redis;

  constructor({ url, token, timeoutMs }: RedisStoreOptions) {
    this.#redis = new Redis({
      url,
      token,
      // A function: with a plain signal the client (1.39) turns an abort into a successful answer.
      signal: () => AbortSignal.timeout(timeoutMs),
      // Not `false`, which still means one retry there: a repeated ACQUIRE would find its own lease taken.
      retry: { retries: 0 },
      // It joins commands of several requests into one call: on workerd those of a cancelled request would hang others.
      enableAutoPipelining: false,
      enableTelemetry: false,
      automaticDeserialization: false,
      responseEncoding: false,
    });
  }

  read(key: string): Promise<StoreReply> {
    return this.#run(READ, key, []);
  }

  acquire(key: string, step: { generation: number; holder: string; leaseMs: number; waitedFor: number }) {
    return this.#run(ACQUIRE, key, [step.generation, step.holder, Math.ceil(step.leaseMs), step.waitedFor]);
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
      try {
        return readReply(await this.#redis.eval<string[], unknown>(script, [key], args.map(String)));
      } catch (error) {
        const cause = causeOf(error);
        if (attempt >= attempts || cause === "redis_unauthorized") return { status: "unavailable", cause };
      }
    }
  }
}

/** Redis's errors begin with a code, and Upstash's `WRONGPASS` comes with a 401; the client does not show the status. */
const UNAUTHORIZED = new Set(["WRONGPASS", "NOAUTH", "NOPERM", "Unauthorized"]);

function causeOf(error: unknown): RedisCause {
  if (error instanceof errors.UpstashError) {
    const [code = ""] = error.message.split(/[^A-Za-z]/, 1);
    return UNAUTHORIZED.has(code) ? "redis_unauthorized" : "redis_error";
  }
  if (error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")) return "redis_timeout";
  // The Fetch standard: a network error is a TypeError.
  return error instanceof TypeError ? "redis_unreachable" : "redis_error";
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
