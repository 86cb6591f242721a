import { decodeBase64url, encodeBase64url } from "./base64url";

/**
 * Compact JWE (RFC 7516) with `dir` and `A256CBC-HS512` (RFC 7518 section 5.2.5), the one format of Auth.js's cookies,
 * straight on WebCrypto with imported keys. jose does the same with every algorithm there is: 11 KB gzip of a 25 KB
 * budget, and three times the time (docs/decisions/002). The tests hold the two against each other.
 */
const ENCRYPTION = "A256CBC-HS512";
const IV_BYTES = 16;
const TAG_BYTES = 32;
const MAC_KEY_BYTES = 32;

/** A 512-bit content key, imported once. */
export interface ContentKey {
  /** RFC 7638 thumbprint with SHA-512, which Auth.js writes as `kid` to find the secret again after a rotation. */
  kid: string;
  mac: CryptoKey;
  encryption: CryptoKey;
}

/** Imports 64 bytes: the MAC key, then the encryption key (RFC 7518 section 5.2.2.1). */
export async function importContentKey(bytes: Uint8Array<ArrayBuffer>): Promise<ContentKey> {
  const hmac = { name: "HMAC", hash: "SHA-512" };
  const [mac, encryption, kid] = await Promise.all([
    crypto.subtle.importKey("raw", bytes.subarray(0, MAC_KEY_BYTES), hmac, false, ["sign"]),
    crypto.subtle.importKey("raw", bytes.subarray(MAC_KEY_BYTES), "AES-CBC", false, ["encrypt", "decrypt"]),
    thumbprint(bytes),
  ]);
  return { mac, encryption, kid };
}

async function thumbprint(bytes: Uint8Array): Promise<string> {
  const jwk = `{"k":"${encodeBase64url(bytes)}","kty":"oct"}`;
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest("SHA-512", utf8.encode(jwk))));
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** @returns the compact serialisation: header, no encrypted key, IV, ciphertext, tag */
export async function encryptJwe(plaintext: string, key: ContentKey): Promise<string> {
  const header = encodeBase64url(utf8.encode(JSON.stringify({ alg: "dir", enc: ENCRYPTION, kid: key.kid })));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const encrypted = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key.encryption, utf8.encode(plaintext));
  const ciphertext = new Uint8Array(encrypted);
  const tag = await authenticate(key, { header, iv, ciphertext });
  return [header, "", ...[iv, ciphertext, tag].map(encodeBase64url)].join(".");
}

/**
 * Opens a compact JWE. Strict: exactly these algorithms, a known `kid`, no `zip` (RFC 8725 section 3.6), no `crit`.
 *
 * @returns the plaintext; null for anything else
 */
export async function decryptJwe(token: string, keys: readonly ContentKey[]): Promise<string | null> {
  const [header = "", encryptedKey, ...rest] = token.split(".");
  const key = keys.find((candidate) => candidate.kid === kidOf(header));
  const [iv, ciphertext, tag] = rest.map(decodeBase64url);
  if (!key || encryptedKey !== "" || rest.length !== 3 || !iv || !ciphertext || !tag) return null;
  if (iv.length !== IV_BYTES || tag.length !== TAG_BYTES) return null;
  // The tag first, and in constant time: a padding oracle begins where the two can be told apart.
  if (!isEqual(tag, await authenticate(key, { header, iv, ciphertext }))) return null;
  try {
    return strictUtf8.decode(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, key.encryption, ciphertext));
  } catch {
    return null;
  }
}

function kidOf(encodedHeader: string): string | null {
  const bytes = decodeBase64url(encodedHeader);
  try {
    const header = JSON.parse(bytes ? strictUtf8.decode(bytes) : "null") as Record<string, unknown> | null;
    const isOurs = header?.alg === "dir" && header.enc === ENCRYPTION && !("zip" in header) && !("crit" in header);
    return isOurs && typeof header.kid === "string" ? header.kid : null;
  } catch {
    return null;
  }
}

/** RFC 7518 section 5.2.2.1, steps 4 to 6: HMAC over AAD, IV, ciphertext and the AAD's length in bits; half of it is the tag. */
async function authenticate(
  key: ContentKey,
  parts: { header: string; iv: Uint8Array; ciphertext: Uint8Array },
): Promise<Uint8Array> {
  const aad = utf8.encode(parts.header);
  const message = new Uint8Array(aad.length + parts.iv.length + parts.ciphertext.length + 8);
  message.set(aad);
  message.set(parts.iv, aad.length);
  message.set(parts.ciphertext, aad.length + parts.iv.length);
  new DataView(message.buffer).setUint32(message.length - 4, aad.length * 8);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key.mac, message)).subarray(0, TAG_BYTES);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
