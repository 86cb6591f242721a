import { decodeBase64url, encodeBase64url } from "../session/base64url";
import { isTokenSet } from "../session/session";
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

const KEY_BYTES = 32;
/** Long enough to tell ten secrets apart; it comes from the HKDF beside the key and says nothing about it. */
const KID_BYTES = 8;
/** NIST SP 800-38D section 8.2: the length that AES-GCM is made for. */
const IV_BYTES = 12;

interface EntryKey {
  key: CryptoKey;
  kid: string;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Entries as `kid.iv.ciphertext` (AES-256-GCM, the `kid` authenticated beside), each session under its own key from a
 * deployment secret **and** the `sid`. The `sid` is 192 random bits that only the session's sealed cookie holds, so a
 * dump of the store opens for nobody: not with the secret alone, and not with one stolen cookie for any other session.
 * A random 96-bit IV is safe here: a key seals a few thousand entries in its life (NIST SP 800-38D section 8.3 allows 2^32).
 *
 * @param secrets - newest first; the first one seals, all open
 */
export function createEntrySealer(secrets: readonly [string, ...string[]]): EntrySealer {
  return {
    async seal(sid, entry) {
      const { key, kid } = await deriveKey(secrets[0], sid);
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const plaintext = utf8.encode(JSON.stringify(entry));
      const ciphertext = await crypto.subtle.encrypt(gcm(iv, kid), key, plaintext);
      return [kid, encodeBase64url(iv), encodeBase64url(new Uint8Array(ciphertext))].join(".");
    },
    async open(sid, sealed) {
      const [kid = "", ...parts] = sealed.split(".");
      const [iv, ciphertext] = parts.map(decodeBase64url);
      if (parts.length !== 2 || decodeBase64url(kid)?.length !== KID_BYTES || !iv || !ciphertext) {
        return { status: "damaged" };
      }
      const found = await findKey(secrets, sid, kid);
      if (!found) return { status: "foreign" };
      try {
        const entry = parseEntry(await crypto.subtle.decrypt(gcm(iv, kid), found.key, ciphertext));
        return entry ? { status: "opened", entry } : { status: "damaged" };
      } catch {
        return { status: "damaged" };
      }
    },
  };
}

function gcm(iv: Uint8Array<ArrayBuffer>, kid: string): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: utf8.encode(kid) };
}

/** What was sealed by us is still checked: by an older or newer version of us. */
function parseEntry(plaintext: ArrayBuffer): LedgerEntry | null {
  const entry = JSON.parse(strictUtf8.decode(plaintext)) as Partial<LedgerEntry> | null;
  const isEntry =
    Number.isSafeInteger(entry?.generation) && typeof entry?.provider === "string" && isTokenSet(entry.tokens);
  return isEntry ? (entry as LedgerEntry) : null;
}

async function findKey(secrets: readonly string[], sid: string, kid: string): Promise<EntryKey | null> {
  for (const secret of secrets) {
    const key = await deriveKey(secret, sid);
    if (key.kid === kid) return key;
  }
  return null;
}

/** HKDF-SHA-256 (RFC 5869): the secret is the input keying material, the `sid` its salt. */
async function deriveKey(secret: string, sid: string): Promise<EntryKey> {
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: utf8.encode(sid), info: utf8.encode("edge-token-gateway ledger entry") },
    material,
    (KEY_BYTES + KID_BYTES) * 8,
  );
  const key = await crypto.subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { key, kid: encodeBase64url(new Uint8Array(bits.slice(KEY_BYTES))) };
}

/** The name under which a store keeps a session: base64url of SHA-256, since the `sid` itself is half of the key. */
export async function storageName(sid: string): Promise<string> {
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(sid))));
}
