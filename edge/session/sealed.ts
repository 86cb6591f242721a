import { base64url, calculateJwkThumbprint, EncryptJWT, type JWTPayload, jwtDecrypt } from "jose";

/** Auth.js's own choice for session cookies: `dir` with AES-CBC and HMAC (RFC 7518 section 5.2.5), a 512-bit key. */
const ENCRYPTION = "A256CBC-HS512";
const KEY_BITS = 512;

/** Auth.js allows the same leeway when it reads: a cookie must not be live for one of us and dead for the other. */
const CLOCK_TOLERANCE_SECONDS = 15;

interface DerivedKey {
  bytes: Uint8Array<ArrayBuffer>;
  /** RFC 7638 thumbprint with SHA-512, which Auth.js writes as `kid` to find the secret again after a rotation. */
  kid: string;
}

/** The secrets of a deployment, turned into keys: one per secret and purpose, derived once. */
export interface KeyRing {
  /**
   * @param salt - names the purpose; for a cookie its name, as in Auth.js
   * @returns the derived keys, newest secret first
   */
  keys(salt: string): Promise<readonly [DerivedKey, ...DerivedKey[]]>;
}

/** How many derived key sets a ring keeps when asked to forget (ledger entries have one purpose a session). */
const MAX_CACHED_SALTS = 16;

/**
 * @param secrets - newest first; the first one seals, all open
 */
export function createKeyRing(secrets: readonly [string, ...string[]]): KeyRing {
  const cache = new Map<string, Promise<readonly [DerivedKey, ...DerivedKey[]]>>();
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
async function deriveKey(secret: string, salt: string): Promise<DerivedKey> {
  const utf8 = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
  const info = utf8.encode(`Auth.js Generated Encryption Key (${salt})`);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: utf8.encode(salt), info },
    material,
    KEY_BITS,
  );
  const bytes = new Uint8Array(bits);
  return { bytes, kid: await calculateJwkThumbprint({ kty: "oct", k: base64url.encode(bytes) }, "sha512") };
}

/** Claims and the span they are valid for. */
export interface SealOptions {
  ring: KeyRing;
  /** The purpose; for a cookie its name. */
  salt: string;
  /** The current time, milliseconds since the epoch. */
  nowMs: number;
}

/**
 * Encrypts claims as a compact JWE in Auth.js's format.
 *
 * @param options - `maxAgeSeconds` sets `exp`
 */
export async function seal(claims: JWTPayload, options: SealOptions & { maxAgeSeconds: number }): Promise<string> {
  const [key] = await options.ring.keys(options.salt);
  const nowSeconds = Math.floor(options.nowMs / 1000);
  return new EncryptJWT(claims)
    .setProtectedHeader({ alg: "dir", enc: ENCRYPTION, kid: key.kid })
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + options.maxAgeSeconds)
    .setJti(crypto.randomUUID())
    .encrypt(key.bytes);
}

/**
 * Opens what {@link seal} or stock Auth.js sealed. Only `dir` with `A256CBC-HS512`, no compression (RFC 8725 section
 * 3.6), a known `kid`, and an `exp` in the future.
 *
 * @returns the claims, or null for anything else: a forged or stale cookie is an expected guest
 */
export async function open(token: string, options: SealOptions): Promise<JWTPayload | null> {
  const keys = await options.ring.keys(options.salt);
  try {
    const { payload } = await jwtDecrypt(
      token,
      (header) => {
        const key = keys.find((candidate) => candidate.kid === header.kid);
        if (!key || header.zip !== undefined) throw new UnknownKey();
        return key.bytes;
      },
      {
        keyManagementAlgorithms: ["dir"],
        contentEncryptionAlgorithms: [ENCRYPTION],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(options.nowMs),
        requiredClaims: ["exp"],
      },
    );
    return payload;
  } catch {
    return null;
  }
}

class UnknownKey extends Error {}
