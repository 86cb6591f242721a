/** What is sent to Redis. */
export type RedisArgument = string | number | boolean | Buffer;

/** A real redis-server. Replies: numbers, strings as Buffers (`+OK` as a string), arrays, null. */
export interface RedisServer {
  readonly address: { path: string } | { host: string; port: number };
  command(...args: RedisArgument[]): Promise<unknown>;
  commands(list: RedisArgument[][]): Promise<unknown[]>;
  stop(): Promise<void>;
  restartEmpty(): Promise<void>;
  close(): Promise<void>;
}

/** A REST front for it. */
export interface RedisRest {
  readonly url: string;
  readonly token: string;
  readonly calls: number;
  readonly controls: { delayMs: number; failStatus: number | null; hang: boolean; loseAnswers: number };
  stop(): Promise<void>;
  restart(): Promise<void>;
}

export function startRedis(options?: { port?: number }): Promise<RedisServer>;
export function startRedisRest(options: { redis: RedisServer; token: string; port?: number }): Promise<RedisRest>;
