/**
 * The upstream URL of a routed request: the backend's base, then the canonical rest, then the query as it came.
 *
 * @param base - the backend's URL; its path is the base path
 * @returns null when the parser, against everything checked before, arrives anywhere else than below the base
 */
export function upstreamUrl(base: URL, { rest, query }: { rest: string; query: string }): URL | null {
  const basePath = basePathOf(base);
  const path = rest === "" ? base.pathname : `${basePath}${rest}`;
  const url = new URL(`${base.origin}${path}${query}`);
  return url.origin === base.origin && url.pathname === path ? url : null;
}

/** The base's path with a trailing slash. */
function basePathOf(base: URL): string {
  return base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
}

/**
 * A `Location` of the backend as the browser must see it.
 *
 * @param location - the header's value, absolute or relative to `requestUrl` (RFC 9110 section 10.2.2)
 * @returns the path below the mount, or null when it leads outside the backend's base
 */
export function localLocation(
  location: string,
  { base, requestUrl, mount }: { base: URL; requestUrl: URL; mount: string },
): string | null {
  let target: URL;
  try {
    target = new URL(location, requestUrl);
  } catch {
    return null;
  }
  const basePath = basePathOf(base);
  if (target.origin !== base.origin || target.username || target.password) return null;
  if (`${target.pathname}/` === basePath) return `${mount}${target.search}${target.hash}`;
  if (!target.pathname.startsWith(basePath)) return null;
  return `${mount}${target.pathname.slice(basePath.length)}${target.search}${target.hash}`;
}
