/**
 * `next start` hands middleware a request body only up to `experimental.proxyClientMaxBodySize` and cuts it there
 * without a sign (measured on Next 16.4.6: at the chunk that would pass the limit). So the gateway's own limit lies
 * below Next's by more than any chunk, and what passes ours is known to be whole.
 */
export const CUT_MARGIN_BYTES = 1024 * 1024;

/** What Next's default of 10 MiB leaves. */
const DEFAULT_LIMIT_BYTES = 10 * 1024 * 1024 - CUT_MARGIN_BYTES;

/** The largest request body that this build's middleware is given whole, bytes; `withGateway` in `next.config.ts` sets it. */
export function bodyLimitBytes(): number {
  // Written out, so that Next's `env` can put the number in at build time.
  return Number(process.env.GATEWAY_BODY_LIMIT_BYTES) || DEFAULT_LIMIT_BYTES;
}
