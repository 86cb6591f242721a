/** Why a command came to nothing: the closed set of causes for the log. */
export type RedisCause = "redis_unreachable" | "redis_unauthorized" | "redis_timeout" | "redis_error";

export type RedisAnswer = { result: unknown } | { cause: RedisCause };

/** Sends one Redis command. Never throws for what a store does. */
export type RedisRest = (command: readonly string[]) => Promise<RedisAnswer>;

/** How to reach Redis. */
export interface RedisRestOptions {
  url: string;
  token: string;
  timeoutMs: number;
  fetch: typeof fetch;
}

/**
 * Upstash's REST API (https://upstash.com/docs/redis/features/restapi): a command is POSTed as a JSON array, the answer is
 * `{ result }` or `{ error }`. By hand, since the official client weighs 17.8 KB gzip (docs/decisions/005). No text of an
 * answer goes further than this file: errors quote the command, sealed entry and all.
 */
export function createRedisRest({ url, token, timeoutMs, fetch }: RedisRestOptions): RedisRest {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return async (command) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const init: RequestInit = { method: "POST", headers, body: JSON.stringify(command), redirect: "manual", signal };
      const response = await fetch(url, init);
      if (!response.ok) {
        void response.body?.cancel().catch(() => {});
        return { cause: response.status === 401 || response.status === 403 ? "redis_unauthorized" : "redis_error" };
      }
      const answer: unknown = await response.json();
      const isResult = typeof answer === "object" && answer !== null && "result" in answer;
      return isResult ? { result: answer.result } : { cause: "redis_error" };
    } catch (error) {
      if (signal.aborted) return { cause: "redis_timeout" };
      // `json()` of something else; anything before it is the network.
      return { cause: error instanceof SyntaxError ? "redis_error" : "redis_unreachable" };
    }
  };
}
