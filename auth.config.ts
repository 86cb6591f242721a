import type { NextAuthConfig } from "next-auth";
import { providersFromEnv } from "./auth.providers";
import type { Env } from "./edge";

/**
 * The edge-safe half of Auth.js: what the middleware may know. Adapters and everything else that needs Node belong in
 * `auth.ts`.
 */
export default function authConfig(env: Env): NextAuthConfig {
  return {
    providers: providersFromEnv(env),
    callbacks: {
      /** Runs in middleware, at each page request. `false` sends to the sign-in page. */
      authorized({ auth, request }) {
        const needsSession = request.nextUrl.pathname.startsWith("/middleware-example");
        return !needsSession || auth !== null;
      },
    },
  };
}
