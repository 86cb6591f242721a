/**
 * The session cookie on the wire: names, chunks, `Set-Cookie`. Auth.js splits at the same places (`@auth/core` 0.41,
 * `lib/utils/cookie.js`), so that each side reads what the other wrote.
 */

/** RFC 6265bis section 5.6 lets a browser drop a cookie above 4096 bytes; 160 of them are for name and attributes. */
export const CHUNK_VALUE_BYTES = 4096 - 160;

/** 4 chunks are 16 KiB, which is all that Node's HTTP parser takes for every header together. */
const MAX_CHUNKS = 4;

/** Every way to read doubled chunks is tried, up to this many: each costs a decryption. */
const MAX_CANDIDATES = 8;

export type SameSite = "lax" | "strict";

/** What one deployment's session cookie looks like. */
export interface CookieStyle {
  name: string;
  secure: boolean;
  sameSite: SameSite;
}

/**
 * `__Host-Http-` binds the cookie to this very host, https and HttpOnly (RFC 6265bis section 4.1.3); browsers refuse
 * the prefix over http, so loopback goes without.
 */
export function sessionCookieStyle(options: { secure: boolean; sameSite: SameSite }): CookieStyle {
  return { ...options, name: options.secure ? "__Host-Http-authjs.session-token" : "authjs.session-token" };
}

/** A `Cookie` header, taken apart in order; names may repeat. */
export type CookiePairs = readonly (readonly [name: string, value: string])[];

/**
 * @param header - the `Cookie` header, or null
 * @returns name and value of each pair, untouched but for outer white space
 */
export function parseCookies(header: string | null): CookiePairs {
  if (!header) return [];
  const pairs: [string, string][] = [];
  for (const part of header.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) pairs.push([part.slice(0, equals).trim(), part.slice(equals + 1).trim()]);
  }
  return pairs;
}

/**
 * The values that the session cookie may have been written as, most likely first. Joined by exact name, from chunk 0 on
 * without a gap, ending at the first chunk that is not full; a name sent twice gives every combination.
 */
export function sessionCandidates(cookies: CookiePairs, name: string): string[] {
  const valuesOf = (exactName: string): string[] => [
    ...new Set(cookies.flatMap(([key, value]) => (key === exactName && value ? [value] : []))),
  ];
  const whole: string[] = [];
  let partial = [""];
  for (let index = 0; index < MAX_CHUNKS && partial.length > 0; index++) {
    const chunks = valuesOf(`${name}.${index}`);
    const joined = partial.flatMap((head) => chunks.map((chunk) => ({ value: head + chunk, length: chunk.length })));
    partial = joined
      .filter((join) => join.length === CHUNK_VALUE_BYTES)
      .map((join) => join.value)
      .slice(0, MAX_CANDIDATES);
    // A last chunk may happen to be exactly full, so a full one is an end too; the next chunk, if any, was tried to extend it.
    whole.unshift(...joined.map((join) => join.value));
  }
  return [...whole, ...valuesOf(name)].slice(0, MAX_CANDIDATES);
}

/** True for every name that Auth.js would join into the session: it goes by prefix, so a foreign `…session-tokenZ` too. */
function looksLikeSession(cookieName: string, name: string): boolean {
  return cookieName.startsWith(name);
}

/** The names in a request that carry, or pretend to carry, the session. */
export function sessionCookieNames(cookies: CookiePairs, name: string): string[] {
  return [...new Set(cookies.map(([key]) => key).filter((key) => looksLikeSession(key, name)))];
}

/** True when Auth.js, which joins by prefix and knows no duplicates, reads from these cookies what we read. */
export function isUnambiguous(cookies: CookiePairs, name: string): boolean {
  const names = cookies.map(([key]) => key).filter((key) => looksLikeSession(key, name));
  if (names.length <= 1) return names.length === 0 || names[0] === name;
  return names.every((key, index) => key === `${name}.${index}`);
}

/**
 * A `Cookie` header in which the session is exactly `sealed` (or absent, for null) and all else is as it was.
 *
 * @returns the header's value, empty when no cookie is left
 */
export function replaceSessionCookies(cookies: CookiePairs, name: string, sealed: string | null): string {
  const others = cookies.filter(([key]) => !looksLikeSession(key, name));
  return cookieHeader(sealed === null ? others : [...others, ...split(sealed, name)]);
}

/** A `Cookie` header without the names that only look like the session's. */
export function dropForeignCookies(cookies: CookiePairs, name: string): string {
  return cookieHeader(cookies.filter(([key]) => !looksLikeSession(key, name) || isOwnName(key, name)));
}

function cookieHeader(pairs: CookiePairs): string {
  return pairs.map(([key, value]) => `${key}=${value}`).join("; ");
}

function split(sealed: string, name: string): [name: string, value: string][] {
  if (sealed.length <= CHUNK_VALUE_BYTES) return [[name, sealed]];
  const chunks: [string, string][] = [];
  for (let start = 0; start < sealed.length; start += CHUNK_VALUE_BYTES) {
    chunks.push([`${name}.${chunks.length}`, sealed.slice(start, start + CHUNK_VALUE_BYTES)]);
  }
  return chunks;
}

/** What to write: the new value, or null to remove the session; and the request's cookies, to find stale chunks. */
export interface CookieWrite {
  style: CookieStyle;
  sealed: string | null;
  maxAgeSeconds: number;
  requestCookies: CookiePairs;
}

/**
 * The `Set-Cookie` lines of a write: one a chunk, and a removal for each own name of the request that the new value
 * does not use. Foreign names (`…session-tokenZ`) are not ours to remove.
 */
export function setCookieLines({ style, sealed, maxAgeSeconds, requestCookies }: CookieWrite): string[] {
  const written = sealed === null ? [] : split(sealed, style.name);
  return [
    ...written.map(([name, value]) => setCookieLine(style, { name, value, maxAgeSeconds })),
    ...staleCookieLines(
      style,
      requestCookies,
      written.map(([name]) => name),
    ),
  ];
}

/** Removals of the request's own session names that are not in `keep`. */
export function staleCookieLines(style: CookieStyle, requestCookies: CookiePairs, keep: readonly string[]): string[] {
  return sessionCookieNames(requestCookies, style.name)
    .filter((name) => isOwnName(name, style.name) && !keep.includes(name))
    .map((name) => setCookieLine(style, { name, value: "", maxAgeSeconds: 0 }));
}

/** The names under which `sealed` is written. */
export function chunkNames(sealed: string, name: string): string[] {
  return split(sealed, name).map(([chunkName]) => chunkName);
}

function isOwnName(cookieName: string, name: string): boolean {
  return cookieName === name || /^\.\d{1,2}$/.test(cookieName.slice(name.length));
}

function setCookieLine(style: CookieStyle, cookie: { name: string; value: string; maxAgeSeconds: number }): string {
  const attributes = [
    `${cookie.name}=${cookie.value}`,
    "Path=/",
    `Max-Age=${cookie.maxAgeSeconds}`,
    "HttpOnly",
    ...(style.secure ? ["Secure"] : []),
    `SameSite=${style.sameSite === "strict" ? "Strict" : "Lax"}`,
  ];
  return attributes.join("; ");
}
