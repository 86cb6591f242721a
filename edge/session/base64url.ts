/** RFC 4648 section 5, without padding, as JOSE uses it (RFC 7515 section 2). */

const CHUNK = 0x8000;

export function encodeBase64url(bytes: Uint8Array): string {
  let binary = "";
  // In pieces: spreading a large array into one call overflows the stack.
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @returns null for anything that is not the one base64url spelling of some bytes */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return text.length % 4 === 0 ||
    encodeBase64url(bytes.subarray(-(bytes.length % 3))) === text.slice(-(text.length % 4))
    ? bytes
    : null;
}
