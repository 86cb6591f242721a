import type { TokenSet } from "../token/token-set";
import { encodeBase64url } from "./base64url";
import { type CookiePairs, type CookieStyle, sessionCandidates } from "./cookies";
import { type Claims, type KeyRing, open, seal } from "./sealed";

/** The gateway's own claims in the session cookie, beside those of Auth.js. */
export interface GatewayClaims {
  /** The session's id: 128 random bits or more, known to the cookie only. */
  sid: string;
  /** Counts the token sets of this session, from 1. */
  generation: number;
  /** The id of the provider that the user signed in with. */
  provider: string;
  /** The token set, or null when it is too large for a cookie and lives in the ledger alone. */
  tokens: TokenSet | null;
}

/** What a valid session cookie carries: Auth.js's claims (`sub`, `name`, `email`, `picture`, an app's own) and ours. */
export type SessionClaims = Claims & { gateway: GatewayClaims };

/** A new session id: 192 bits, base64url. RFC 10017 section 6.1.3.2 asks for enough entropy that guessing is hopeless. */
export function newSessionId(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(24)));
}

/** Opens and seals the session cookie of one deployment. */
export interface SessionCodec {
  readonly style: CookieStyle;
  readonly maxAgeSeconds: number;
  /** @returns the claims of the request's one session; null for none, an invalid one, or two that contradict each other */
  read(cookies: CookiePairs): Promise<SessionClaims | null>;
  /** @returns the claims that `sealed` holds, or null when it is not a valid session */
  open(sealed: string): Promise<SessionClaims | null>;
  /** @returns the cookie's value, before chunking */
  seal(claims: SessionClaims): Promise<string>;
}

/** What a codec is made of. */
export interface SessionCodecOptions {
  ring: KeyRing;
  style: CookieStyle;
  /** How long a cookie lives from each time it is written, seconds. */
  maxAgeSeconds: number;
  nowMs: () => number;
}

export function createSessionCodec({ ring, style, maxAgeSeconds, nowMs }: SessionCodecOptions): SessionCodec {
  const openOne = async (sealed: string): Promise<SessionClaims | null> => {
    const claims = await open(sealed, { ring, salt: style.name, nowMs: nowMs() });
    return claims && isSession(claims) ? claims : null;
  };
  return {
    style,
    maxAgeSeconds,
    open: openOne,
    async read(cookies) {
      const opened = await Promise.all(sessionCandidates(cookies, style.name).map(openOne));
      const sessions = opened.filter((claims) => claims !== null);
      const newest = sessions.sort((a, b) => b.gateway.generation - a.gateway.generation)[0] ?? null;
      // Two different sessions in one request are a tossed cookie: neither can be told from the forged one.
      return sessions.every((claims) => claims.gateway.sid === newest?.gateway.sid) ? newest : null;
    },
    seal: (claims) => seal(claims, { ring, salt: style.name, nowMs: nowMs(), maxAgeSeconds }),
  };
}

/** RFC 7519: claims that are not understood are ignored; ours are required, each with its type. */
function isSession(claims: Claims): claims is SessionClaims {
  const gateway = claims.gateway as Partial<GatewayClaims> | undefined;
  return (
    typeof gateway === "object" &&
    gateway !== null &&
    typeof gateway.sid === "string" &&
    gateway.sid.length >= 22 &&
    Number.isSafeInteger(gateway.generation) &&
    (gateway.generation as number) >= 1 &&
    typeof gateway.provider === "string" &&
    (gateway.tokens === null || isTokenSet(gateway.tokens))
  );
}

/** True for an object that has every member of a token set with its type. */
export function isTokenSet(value: unknown): value is TokenSet {
  if (typeof value !== "object" || value === null) return false;
  const tokens = value as Partial<Record<keyof TokenSet, unknown>>;
  const isNumberOrNull = (member: unknown): boolean => member === null || Number.isFinite(member);
  const isStringOrNull = (member: unknown): boolean => member === null || typeof member === "string";
  return (
    typeof tokens.accessToken === "string" &&
    isNumberOrNull(tokens.expiresAtSeconds) &&
    isNumberOrNull(tokens.lifetimeSeconds) &&
    isStringOrNull(tokens.refreshToken) &&
    isStringOrNull(tokens.scope)
  );
}
