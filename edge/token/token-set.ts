/** What the provider gave for one grant (RFC 6749 section 5.1), as the session and the ledger keep it. */
export interface TokenSet {
  accessToken: string;
  /** When the access token ends, seconds since the epoch; null when the provider named no lifetime. */
  expiresAtSeconds: number | null;
  /** The lifetime that the provider gave, in seconds; null as above. It scales the due-soon window. */
  lifetimeSeconds: number | null;
  /** Null when the provider gives none: then the session can't be refreshed. */
  refreshToken: string | null;
  /** Space-separated, as granted; null when the provider did not say. */
  scope: string | null;
}

/** The members of a token response that matter here; Auth.js's `account` has the same names. */
export interface TokenResponse {
  access_token?: unknown;
  token_type?: unknown;
  expires_in?: unknown;
  expires_at?: unknown;
  refresh_token?: unknown;
  scope?: unknown;
}

/**
 * A token response as a token set.
 *
 * What providers leave out is filled in by the rules of RFC 6749: no new refresh token means the old one stays (section
 * 6), no scope means the old scope (section 5.1). An `expires_in` that is no positive number is taken as absent: the
 * token then counts as valid until a backend refuses it, and a rotated refresh token is not thrown away for it.
 *
 * @param previous - the token set that was refreshed, or null at sign-in
 * @returns null when there is no usable bearer token in the response
 */
export function tokenSetFrom(response: TokenResponse, previous: TokenSet | null, nowMs: number): TokenSet | null {
  const { access_token: accessToken, token_type: tokenType } = response;
  if (typeof accessToken !== "string" || !isHeaderSafe(accessToken)) return null;
  // RFC 6749 section 7.1: a token of a type that the client does not know must not be used.
  if (typeof tokenType === "string" ? tokenType.toLowerCase() !== "bearer" : tokenType !== undefined) return null;
  const nowSeconds = Math.floor(nowMs / 1000);
  const lifetimeSeconds = lifetimeOf(response, nowSeconds);
  return {
    accessToken,
    lifetimeSeconds,
    expiresAtSeconds: lifetimeSeconds === null ? null : nowSeconds + lifetimeSeconds,
    refreshToken: nonEmptyString(response.refresh_token) ?? previous?.refreshToken ?? null,
    scope: nonEmptyString(response.scope) ?? previous?.scope ?? null,
  };
}

/** A hundred years: beyond it the sum with the current time stops being a date. */
const MAX_LIFETIME_SECONDS = 100 * 365 * 24 * 3600;

function lifetimeOf(response: TokenResponse, nowSeconds: number): number | null {
  const expiresIn = numberOf(response.expires_in) ?? (numberOf(response.expires_at) ?? Number.NaN) - nowSeconds;
  if (!Number.isFinite(expiresIn) || expiresIn <= 0) return null;
  // A fraction of a second is not nothing: a lifetime of zero would be a grant for each request.
  return Math.min(Math.max(1, Math.floor(expiresIn)), MAX_LIFETIME_SECONDS);
}

/** Some providers write numbers as strings. */
function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : null;
}

function nonEmptyString(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** RFC 6750 section 2.1 `b64token` is narrower; real tokens are not, so only what would break the header is refused. */
function isHeaderSafe(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/** `fresh`: use it. `due`: use it, and refresh beside. `expired`: refresh first. */
export type Freshness = "fresh" | "due" | "expired";

/** The due-soon window is never more than this part of the lifetime, or a 60 s token would be due from birth. */
const DUE_PART_OF_LIFETIME = 1 / 3;

/**
 * How a token set stands at a moment. A token without an expiry is fresh until a backend refuses it.
 *
 * @param options - `refreshAheadSeconds`: how long before its end a token is due
 */
export function freshness(tokens: TokenSet, options: { nowMs: number; refreshAheadSeconds: number }): Freshness {
  if (tokens.expiresAtSeconds === null) return "fresh";
  const remainingSeconds = tokens.expiresAtSeconds - options.nowMs / 1000;
  if (remainingSeconds <= 0) return "expired";
  const lifetimeSeconds = tokens.lifetimeSeconds ?? Number.POSITIVE_INFINITY;
  const windowSeconds = Math.min(options.refreshAheadSeconds, lifetimeSeconds * DUE_PART_OF_LIFETIME);
  return remainingSeconds <= windowSeconds ? "due" : "fresh";
}
