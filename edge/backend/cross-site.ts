/** Set it on requests that are not made by a browser page: a form can't, and cross-site script is stopped by its preflight. */
export const GATEWAY_REQUEST_HEADER = "x-gateway-request";

/**
 * Whether a request was made by this site's own pages. A cookie alone proves nothing: the browser attaches it to any
 * site's requests (SameSite leaves sister subdomains and top-level navigations).
 *
 * In order: Fetch Metadata (W3C) where the browser sends it; else the exact `Origin` (RFC 6454); else, for clients that
 * send neither, the {@link GATEWAY_REQUEST_HEADER}.
 *
 * @param options - `origin`: our own; `allowNavigation`: the backend may be opened as a page, by typing its address or
 * from a bookmark (`Sec-Fetch-Site: none`)
 */
export function isSameOrigin(
  request: { method: string; headers: Headers },
  options: { origin: string; allowNavigation: boolean },
): boolean {
  const { headers } = request;
  const site = headers.get("sec-fetch-site");
  if (site !== null) {
    if (site === "same-origin") return true;
    const isNavigation = request.method === "GET" && headers.get("sec-fetch-mode") === "navigate";
    return site === "none" && isNavigation && options.allowNavigation;
  }
  const origin = headers.get("origin");
  return origin !== null ? origin === options.origin : headers.get(GATEWAY_REQUEST_HEADER) === "1";
}
