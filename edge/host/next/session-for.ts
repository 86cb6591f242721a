import type { NextAuthConfig, Session } from "next-auth";
import { publicSession, withoutTokens } from "../../session/auth-callbacks";
import type { SessionClaims } from "../../session/session";

type SessionCallback = NonNullable<NonNullable<NextAuthConfig["callbacks"]>["session"]>;

/**
 * The session that pages and the browser see: the gateway's, then the app's own `callbacks.session`, which is given
 * claims without tokens. Used by Auth.js and by the middleware, so that both say the same.
 */
export async function sessionFor(
  claims: SessionClaims,
  options: { expires: string; callback: SessionCallback | undefined; nowMs: number },
): Promise<Session> {
  const session = publicSession(claims, options);
  if (!options.callback) return session;
  const params = { session, token: withoutTokens(claims) } as unknown as Parameters<SessionCallback>[0];
  return (await options.callback(params)) as Session;
}
