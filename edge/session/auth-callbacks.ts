import { ConfigError } from "../problem";
import { type TokenResponse, tokenSetFrom } from "../token/token-set";
import { type GatewayClaims, newSessionId, type SessionClaims } from "./session";

/** What the browser may know of the session's token: enough for a countdown, nothing to call an API with. */
export interface PublicTokenInfo {
  provider: string;
  /** Grows by one with each refresh. */
  generation: number;
  /** Seconds since the epoch; null when the provider named no lifetime, or the ledger alone has the token. */
  accessTokenExpiresAtSeconds: number | null;
}

/** The session as pages and the browser see it: Auth.js's `Session`, with what the gateway adds. Never a token. */
export interface PublicSession {
  user: { id?: string; name?: string | null; email?: string | null; image?: string | null };
  /** ISO 8601. */
  expires: string;
  gateway: PublicTokenInfo;
  /** Set when the access token has expired and can't be refreshed: the user must sign in again to call backends. */
  error?: "sign_in_required";
}

/**
 * The gateway's claims of a new session, from Auth.js's `account`.
 *
 * @throws {ConfigError} when the provider gave no bearer token: without one there is nothing to forward
 */
export function claimsFromAccount(account: { provider: string } & TokenResponse, nowMs: number): GatewayClaims {
  const tokens = tokenSetFrom(account, null, nowMs);
  if (!tokens) throw new ConfigError(`providers: ${account.provider}`, "gave no bearer access token at sign-in");
  return { sid: newSessionId(), generation: 1, provider: account.provider, tokens };
}

/**
 * What {@link PublicSession} says of these claims.
 *
 * @param expires - ISO 8601
 */
export function publicSession(
  claims: SessionClaims,
  { expires, nowMs }: { expires: string; nowMs: number },
): PublicSession {
  const { provider, generation, tokens } = claims.gateway;
  const expiresAtSeconds = tokens?.expiresAtSeconds ?? null;
  const isOver = expiresAtSeconds !== null && expiresAtSeconds * 1000 <= nowMs && tokens?.refreshToken === null;
  return {
    user: {
      ...(claims.sub === undefined ? {} : { id: claims.sub }),
      name: stringOrNull(claims.name),
      email: stringOrNull(claims.email),
      image: stringOrNull(claims.picture),
    },
    expires,
    gateway: { provider, generation, accessTokenExpiresAtSeconds: expiresAtSeconds },
    ...(isOver ? { error: "sign_in_required" } : {}),
  };
}

/** The claims that an app's own callbacks may see: a token that is not there can't be copied to the browser by mistake. */
export function withoutTokens(claims: SessionClaims): SessionClaims {
  return { ...claims, gateway: { ...claims.gateway, tokens: null } };
}

function stringOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
