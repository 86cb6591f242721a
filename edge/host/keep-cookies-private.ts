/** What a response that sets a cookie says of caching: it is one person's alone. */
export const PRIVATE_NO_STORE = "private, no-store";

/** True when a `Cache-Control` keeps a response out of every cache; Next says `no-store` alone on Server Actions. */
export function isPrivateNoStore(cacheControl: string): boolean {
  return /\bprivate\b.*\bno-store\b/.test(cacheControl);
}
