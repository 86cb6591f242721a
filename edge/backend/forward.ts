import type { ProblemCode } from "../problem";
import type { Backend } from "./backend";
import { clientResponseHeaders, upstreamRequestHeaders } from "./headers";
import type { RequestBody } from "./request-body";
import { localLocation } from "./upstream-url";

/** One request on its way to a backend. */
export interface ForwardOptions {
  backend: Backend;
  url: URL;
  request: Request;
  body: RequestBody;
  accessToken: string;
  fetch: typeof fetch;
  /** How the host sends a WebSocket upgrade, if it can. */
  upgrade?: ((url: URL, init: { headers: Headers; signal: AbortSignal }) => Promise<Response>) | undefined;
}

/** What came back: the upstream's answer, not yet filtered, or why there is none. */
export type Forwarded = { response: Response } | { problem: ProblemCode };

/** An upload that is slower than this is cut off: 64 KB/s in bytes per millisecond. */
const MIN_UPLOAD_BYTES_PER_MS = 64;

/**
 * Sends a request upstream. Redirects are not followed (the token would go where the backend points), the client's
 * abort is passed on, and the wait for response headers is bounded.
 */
export async function forward(options: ForwardOptions): Promise<Forwarded> {
  const { backend, url, request, body, accessToken } = options;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  // By hand: @edge-runtime/vm 5, which is `next start`, has no AbortSignal.any.
  if (request.signal.aborted) abort();
  else request.signal.addEventListener("abort", abort);
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      abort();
    },
    backend.timeoutMs + Math.ceil(body.maxBytes / MIN_UPLOAD_BYTES_PER_MS),
  );
  const headers = upstreamRequestHeaders(request.headers, { accessToken, forwardHeaders: backend.forwardHeaders });
  if (body.declaredBytes !== null) headers.set("content-length", String(body.declaredBytes));
  try {
    if (options.upgrade && request.headers.has("upgrade")) {
      const protocols = request.headers.get("sec-websocket-protocol");
      if (protocols !== null) headers.set("sec-websocket-protocol", protocols);
      return { response: await options.upgrade(url, { headers, signal: controller.signal }) };
    }
    const response = await options.fetch(url.href, {
      method: request.method,
      headers,
      redirect: "manual",
      signal: controller.signal,
      body: body.take(abort),
      // Fetch: a streamed body needs it; the DOM types do not know it.
      ...({ duplex: "half" } as object),
    });
    return body.problem() ? { problem: "body_too_large" } : { response };
  } catch {
    if (body.problem()) return { problem: "body_too_large" };
    if (request.signal.aborted) return { problem: "client_closed" };
    return { problem: timedOut ? "upstream_timeout" : "upstream_unreachable" };
  } finally {
    clearTimeout(timer);
  }
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const NULL_BODY_STATUSES = new Set([204, 205, 304]);

/**
 * The upstream's answer as the browser gets it: filtered headers, the body streamed, `Location` below the mount.
 *
 * @param options - `origin`: the public one; a rewritten `Location` is absolute, which every host's redirect handling takes
 * @returns a problem when the upstream redirects outside its base
 */
export function clientResponse(upstream: Response, options: { backend: Backend; url: URL; origin: string }): Forwarded {
  const { backend, url, origin } = options;
  // The host made it of the upstream's socket, and of no header that must not pass.
  if (upstream.status === 101) return { response: upstream };
  const headers = clientResponseHeaders(upstream.headers, { exposeHeaders: backend.exposeHeaders });
  const location = upstream.headers.get("location");
  const isRedirect = REDIRECTS.has(upstream.status);
  if (location !== null || isRedirect) {
    const local = location && localLocation(location, { base: backend.base, requestUrl: url, mount: backend.mount });
    // RFC 9110 section 10.2.2: with 201 a Location is information, so one that leads outside is only left out.
    if (local) headers.set("location", `${origin}${local}`);
    else if (isRedirect) {
      void upstream.body?.cancel().catch(() => {});
      return { problem: "upstream_redirect" };
    }
  }
  const body = NULL_BODY_STATUSES.has(upstream.status) ? null : upstream.body;
  return { response: new Response(body, { status: upstream.status, headers }) };
}
