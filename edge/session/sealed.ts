import { type ContentKey, decryptJwe, encryptJwe, importContentKey } from "./jwe";

/** RFC 7519 claims. */
export interface Claims {
  sub?: string;
  /** Seconds since the epoch, as all times here. */
  exp?: number;
  iat?: number;
  jti?: string;
  [claim: string]: unknown;
}

/** Auth.js allows the same leeway when it reads: a cookie must not be live for one of us and dead for the other. */
const CLOCK_TOLERANCE_SECONDS = 15;

const KEY_BITS = 512;

/** The secrets of a deployment, turned into keys: one per secret and purpose, derived once. */
export interface KeyRing {
  /**
   * @param salt - names the purpose; for a cookie its name, as in Auth.js
   * @returns the derived keys, newest secret first
   */
  keys(salt: string): Promise<readonly [ContentKey, ...ContentKey[]]>;
}

/** Cookies need one salt; ledger entries have one a session, so the ring must forget. */
const MAX_CACHED_SALTS = 64;

/**
 * @param secrets - newest first; the first one seals, all open
 */
export function createKeyRing(secrets: readonly [string, ...string[]]): KeyRing {
  const cache = new Map<string, Promise<readonly [ContentKey, ...ContentKey[]]>>();
  return {
    keys(salt) {
      let keys = cache.get(salt);
      if (!keys) {
        const [first, ...rest] = secrets;
        keys = Promise.all([deriveKey(first, salt), ...rest.map((secret) => deriveKey(secret, salt))]);
        if (cache.size >= MAX_CACHED_SALTS) cache.delete(cache.keys().next().value as string);
        cache.set(salt, keys);
      }
      return keys;
    },
  };
}

/** HKDF-SHA-256 with the salt and info of `@auth/core` 0.41 (`jwt.js`), so that its cookies and ours are one format. */
async function deriveKey(secret: string, salt: string): Promise<ContentKey> {
  const utf8 = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
  const info = utf8.encode(`Auth.js Generated Encryption Key (${salt})`);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: utf8.encode(salt), info };
  return importContentKey(new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, KEY_BITS)));
}

/** Which keys, and what time it is. */
export interface SealOptions {
  ring: KeyRing;
  /** The purpose; for a cookie its name. */
  salt: string;
  /** The current time, milliseconds since the epoch. */
  nowMs: number;
}

/**
 * Encrypts claims in Auth.js's format: a JWT (RFC 7519) in a compact JWE.
 *
 * @param options - `maxAgeSeconds` sets `exp`
 */
export async function seal(claims: Claims, options: SealOptions & { maxAgeSeconds: number }): Promise<string> {
  const [key] = await options.ring.keys(options.salt);
  const iat = Math.floor(options.nowMs / 1000);
  return encryptJwe(
    JSON.stringify({ ...claims, iat, exp: iat + options.maxAgeSeconds, jti: crypto.randomUUID() }),
    key,
  );
}

/**
 * Opens what {@link seal} or stock Auth.js sealed, when it has an `exp` that is not over.
 *
 * @returns the claims, or null for anything else: a forged or stale cookie is an expected guest
 */
export async function open(token: string, options: SealOptions): Promise<Claims | null> {
  const plaintext = await decryptJwe(token, await options.ring.keys(options.salt));
  const claims = plaintext === null ? null : parseJson(plaintext);
  if (typeof claims !== "object" || claims === null) return null;
  const { exp, nbf } = claims as Record<string, unknown>;
  const nowSeconds = options.nowMs / 1000;
  if (typeof exp !== "number" || exp <= nowSeconds - CLOCK_TOLERANCE_SECONDS) return null;
  if (nbf !== undefined && !(typeof nbf === "number" && nbf <= nowSeconds + CLOCK_TOLERANCE_SECONDS)) return null;
  return claims as Claims;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
