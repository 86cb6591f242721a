import { base64url, CompactEncrypt, compactDecrypt, decodeProtectedHeader } from "jose";
import type { LedgerEntry } from "./ledger";

/** What a stored entry turned out to be. */
export type OpenedEntry =
  | { status: "opened"; entry: LedgerEntry }
  /** Sealed with a secret that this deployment does not have: in a rollout, a newer one's. The entry may be good. */
  | { status: "foreign" }
  /** Not what {@link EntrySealer.seal} wrote for this session. */
  | { status: "damaged" };

/** Seals ledger entries for a store that others may read. */
export interface EntrySealer {
  seal(sid: string, entry: LedgerEntry): Promise<string>;
  open(sid: string, sealed: string): Promise<OpenedEntry>;
}

const ENCRYPTION = "A256GCM";
const KEY_BYTES = 32;
/** Long enough to tell ten secrets apart; it comes from the HKDF beside the key and says nothing about it. */
const KID_BYTES = 8;

interface EntryKey {
  bytes: Uint8Array<ArrayBuffer>;
  kid: string;
}

/**
 * Entries as compact JWE (`dir`, A256GCM; RFC 7516), each session under its own key from a deployment secret **and** the
 * `sid`. The `sid` is 192 random bits that only the session's sealed cookie holds, so a dump of the store opens for
 * nobody: not with the secret alone, and not with one stolen cookie for any other session. A random 96-bit IV is safe
 * here: a key seals a few thousand entries in its life (NIST SP 800-38D section 8.3 allows 2^32).
 *
 * @param secrets - newest first; the first one seals, all open
 */
export function createEntrySealer(secrets: readonly [string, ...string[]]): EntrySealer {
  return {
    async seal(sid, entry) {
      const { bytes, kid } = await deriveKey(secrets[0], sid);
      return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(entry)))
        .setProtectedHeader({ alg: "dir", enc: ENCRYPTION, kid })
        .encrypt(bytes);
    },
    async open(sid, sealed) {
      try {
        const { kid } = decodeProtectedHeader(sealed);
        const key = await findKey(secrets, sid, kid);
        if (!key) return { status: "foreign" };
        const { plaintext } = await compactDecrypt(sealed, key.bytes, {
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: [ENCRYPTION],
        });
        const entry = JSON.parse(new TextDecoder().decode(plaintext)) as LedgerEntry;
        return Number.isSafeInteger(entry.generation) ? { status: "opened", entry } : { status: "damaged" };
      } catch {
        return { status: "damaged" };
      }
    },
  };
}

async function findKey(secrets: readonly string[], sid: string, kid: unknown): Promise<EntryKey | null> {
  for (const secret of secrets) {
    const key = await deriveKey(secret, sid);
    if (key.kid === kid) return key;
  }
  return null;
}

/** HKDF-SHA-256 (RFC 5869): the secret is the input keying material, the `sid` its salt. */
async function deriveKey(secret: string, sid: string): Promise<EntryKey> {
  const utf8 = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: utf8.encode(sid), info: utf8.encode("edge-token-gateway ledger entry") },
    material,
    (KEY_BYTES + KID_BYTES) * 8,
  );
  return {
    bytes: new Uint8Array(bits.slice(0, KEY_BYTES)),
    kid: base64url.encode(new Uint8Array(bits.slice(KEY_BYTES))),
  };
}

/** The name under which a store keeps a session: base64url of SHA-256, since the `sid` itself is half of the key. */
export async function storageName(sid: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sid))));
}
