/**
 * Which headers cross the gateway. Both ways by allow-list: a header that nobody thought of stays out.
 * `docs/backends.md` shows both lists to users; keep them the same.
 */

/** Client to backend. RFC 9110's content negotiation, conditions and ranges; tracing; server-sent events; idempotency. */
export const FORWARDED_REQUEST_HEADERS: readonly string[] = [
  "accept",
  "accept-language",
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "prefer",
  "range",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-request-id",
];

/** Backend to client. No `set-cookie`, CORS, `clear-site-data`, `server`, hop-by-hop or framework header is among them. */
export const FORWARDED_RESPONSE_HEADERS: readonly string[] = [
  "accept-ranges",
  "allow",
  "content-disposition",
  "content-language",
  "content-length",
  "content-range",
  "content-security-policy",
  "content-type",
  "deprecation",
  "etag",
  "last-modified",
  "link",
  "preference-applied",
  "ratelimit",
  "ratelimit-limit",
  "ratelimit-policy",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "sunset",
  "vary",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "x-request-id",
  "x-total-count",
];

/** Names that no option can let through to a backend: credentials, cookies, hops, and what proxies and Next add. */
const NEVER_FORWARDED =
  /^(?:authorization|cookie2?|set-cookie2?|proxy-.*|x-forwarded-.*|forwarded|x-real-ip|x-middleware-.*|x-nextjs-.*|next-.*|rsc|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|expect|origin|referer|sec-.*|x-gateway-.*)$/;

/** Names that no option can let through to the browser. */
const NEVER_EXPOSED =
  /^(?:set-cookie2?|access-control-.*|clear-site-data|server|x-powered-by|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|x-middleware-.*|x-nextjs-.*|cache-control|location|content-encoding|www-authenticate|strict-transport-security|service-worker-allowed)$/;

/** True when a backend's `forwardHeaders` may name this header. */
export function isForwardable(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) && !NEVER_FORWARDED.test(name);
}

/** True when a backend's `exposeHeaders` may name this header. */
export function isExposable(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) && !NEVER_EXPOSED.test(name);
}

/** What fetch would otherwise fill with the host's own name (`Next.js Middleware`, `node`). */
const USER_AGENT = "edge-token-gateway";

/**
 * The headers of an upstream request: the allow-list, the backend's own names, and the bearer token (RFC 6750 section 2.1).
 *
 * @param options - `accessToken` goes into `Authorization`; nothing the client sent can
 */
export function upstreamRequestHeaders(
  client: Headers,
  options: { accessToken: string; forwardHeaders: readonly string[] },
): Headers {
  const headers = pick(client, [...FORWARDED_REQUEST_HEADERS, ...options.forwardHeaders]);
  if (!headers.has("accept")) headers.set("accept", "*/*");
  // undici says `*` where nothing was said; some servers take it for a language.
  if (!headers.has("accept-language")) headers.set("accept-language", "*");
  if (!headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
  headers.set("authorization", `Bearer ${options.accessToken}`);
  return headers;
}

/**
 * The headers of a response to the browser, without `Location` and `Set-Cookie`.
 *
 * @param options - `exposeHeaders`: the backend's own names
 */
export function clientResponseHeaders(upstream: Headers, options: { exposeHeaders: readonly string[] }): Headers {
  const headers = pick(upstream, [...FORWARDED_RESPONSE_HEADERS, ...options.exposeHeaders]);
  // fetch has decoded the body (Fetch section 4.9), so the encoded length is not its length.
  if (upstream.has("content-encoding")) headers.delete("content-length");
  const contentType = upstream.get("content-type") ?? "";
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  headers.set(
    "cache-control",
    cacheControl(upstream.get("cache-control"), { isEventStream: type === "text/event-stream" }),
  );
  // What may be kept was chosen by the token, which the browser never sends: the cookie stands for it.
  if (!headers.get("cache-control")?.includes("no-store")) headers.append("vary", "Cookie");
  headers.set("x-content-type-options", "nosniff");
  if ((contentType.includes(",") || isActiveDocument(type)) && !headers.has("content-security-policy")) {
    // A doubled Content-Type is a list, of which browsers take the last; multipart parts have types of their own.
    // A backend's document would run as this site's page, with the session: it gets no origin and no script.
    headers.set("content-security-policy", "sandbox; default-src 'none'");
  }
  return headers;
}

/**
 * What may be kept of an upstream `Cache-Control`. To a shared cache our request carries no `Authorization`, so the rule
 * that protects such responses (RFC 9111 section 3.5) does not: only an explicit `private` or `no-store` is believed.
 */
function cacheControl(upstream: string | null, { isEventStream }: { isEventStream: boolean }): string {
  // `no-transform`: Next's compression holds events back until its window is full (measured on Next 16.4.6).
  if (isEventStream) return "private, no-store, no-transform";
  const directives = (upstream ?? "")
    .toLowerCase()
    .split(",")
    .map((directive) => directive.trim());
  const isPrivate = directives.includes("private") || directives.includes("no-store");
  const isShared = directives.some((directive) => directive === "public" || directive.startsWith("s-maxage"));
  return isPrivate && !isShared ? directives.filter(Boolean).join(", ") : "private, no-store";
}

function isActiveDocument(type: string): boolean {
  return (
    type === "" ||
    type.includes(",") ||
    /^(?:text\/html|text\/xml|application\/xml|image\/svg\+xml|multipart\/.*|.*\+xml)$/.test(type)
  );
}

function pick(from: Headers, names: readonly string[]): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}
