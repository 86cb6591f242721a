import type { NextConfig } from "next";
import { CUT_MARGIN_BYTES } from "./body-limit";

/** Build-time choices of the gateway on Next. */
export interface NextGatewayOptions {
  /**
   * The largest request body forwarded, bytes; larger ones get 413. Default 10 MiB. Cost: Next holds up to this much of
   * each upload in memory. Vercel takes 4 MB at most, whatever is said here.
   */
  bodyLimitBytes?: number;
}

const DEFAULT_BODY_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Adds to a Next configuration what the gateway needs: bodies up to the limit whole, trailing slashes left as they are,
 * since they are part of a backend's paths, and no authorization code in the log of `next dev`.
 */
export function withGateway(config: NextConfig = {}, options: NextGatewayOptions = {}): NextConfig {
  const bodyLimitBytes = options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES;
  return {
    skipTrailingSlashRedirect: true,
    // `next dev` prints every URL, and the provider's callback has the authorization code in its query.
    logging: { incomingRequests: { ignore: [/^\/api\/auth\/callback\//] } },
    ...config,
    env: { ...config.env, GATEWAY_BODY_LIMIT_BYTES: String(bodyLimitBytes) },
    experimental: { ...config.experimental, proxyClientMaxBodySize: bodyLimitBytes + CUT_MARGIN_BYTES },
  };
}
