import { type NextFetchEvent, type NextRequest, NextResponse } from "next/server";
import { failure } from "../../gateway";
import {
  type CookiePairs,
  chunkNames,
  dropForeignCookies,
  isUnambiguous,
  parseCookies,
  replaceSessionCookies,
  sessionCookieNames,
  staleCookieLines,
} from "../../session/cookies";
import type { SessionState } from "../../session-keeper";
import { consoleLog } from "../console-log";
import { PRIVATE_NO_STORE } from "../keep-cookies-private";
import { processMemory, RAW_TARGET_HEADER } from "../process-memory";
import { authorize } from "./authorize";
import { bodyLimitBytes } from "./body-limit";
import { AUTH_BASE_PATH } from "./paths";
import { type GatewaySources, type NextRuntime, nextRuntime } from "./runtime";

/**
 * The gateway as Next middleware: answers `/backend/…` itself, guards and freshens pages.
 *
 * A backend's answer is fetched here, never rewritten: a rewrite with a `Set-Cookie` sends the session cookie to the
 * backend as a request header (measured on Next 16.4.6).
 */
export function gatewayMiddleware(
  sources: GatewaySources,
): (request: NextRequest, event: NextFetchEvent) => Promise<Response> {
  return async (request, event) => {
    try {
      const runtime = nextRuntime(sources);
      const waitUntil = event.waitUntil.bind(event);
      const context = { target: rawTarget(request), waitUntil, bodyLimitBytes: bodyLimitBytes() };
      const answer = await runtime.gateway.handle(request, context);
      return answer ? withEarlyHeaders(answer) : await page(request, { runtime, event });
    } catch (error) {
      return failure(error, consoleLog(process.env));
    }
  };
}

/**
 * `next start` sends a response's headers with its first chunk (measured on Next 16.4.6), so an event stream would look
 * unopened until its first event. An empty chunk, which is nothing on the wire, sends them at once.
 */
function withEarlyHeaders(response: Response): Response {
  if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  const start = (controller: TransformStreamDefaultController<Uint8Array>): void =>
    controller.enqueue(new Uint8Array());
  return new Response(response.body.pipeThrough(new TransformStream({ start })), response);
}

function rawTarget(request: NextRequest): string {
  const raw = processMemory().hasRawTargets ? request.headers.get(RAW_TARGET_HEADER) : null;
  if (raw !== null) return raw;
  const { pathname, search } = new URL(request.url);
  return `${pathname}${search}`;
}

/** What a page, or an Auth.js route, is given instead of the request's own session cookies. */
interface PageSession {
  state: SessionState;
  /** The `Cookie` header to pass on; null for the request's own. */
  cookieHeader: string | null;
  setCookies: string[];
}

async function page(
  request: NextRequest,
  { runtime, event }: { runtime: NextRuntime; event: NextFetchEvent },
): Promise<Response> {
  const cookies = parseCookies(request.headers.get("cookie"));
  // Auth.js takes `/api/auth/session/` for the same route.
  const pathname = request.nextUrl.pathname.replace(/\/+$/, "");
  const isAuthRoute = pathname === AUTH_BASE_PATH || pathname.startsWith(`${AUTH_BASE_PATH}/`);
  const isSessionRoute = pathname === `${AUTH_BASE_PATH}/session`;
  const session =
    isAuthRoute && !isSessionRoute
      ? await asItIs(runtime, { cookies, isCallback: pathname.startsWith(`${AUTH_BASE_PATH}/callback`) })
      : await freshened(runtime, { cookies, event, isSessionRoute });
  const next = nextResponse(request, session.cookieHeader);
  const response = isAuthRoute ? next : await authorize(request, { runtime, state: session.state, next });
  const setCookies = isExternalRewrite(response, request) ? [] : session.setCookies;
  for (const line of setCookies) response.headers.append("set-cookie", line);
  // Auth.js's routes set cookies after us, and what we say of caching survives theirs; for Server Actions, where Next
  // overwrites it, instrumentation says it again (measured on 16.4.6).
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (setCookies.length > 0 || isAuthRoute || !isRead) response.headers.set("cache-control", PRIVATE_NO_STORE);
  return response;
}

/** The newest session, for pages, Server Components and `/api/auth/session`. */
async function freshened(
  { gateway }: NextRuntime,
  { cookies, event, isSessionRoute }: { cookies: CookiePairs; event: NextFetchEvent; isSessionRoute: boolean },
): Promise<PageSession> {
  const { keeper, writer } = gateway;
  const { style } = writer.codec;
  const state = await keeper.current(cookies, event.waitUntil.bind(event));
  if (state.status === "none" || state.status === "ended") {
    const setCookies = await keeper.cookieLines(state, cookies, { recheck: false });
    const isClean = sessionCookieNames(cookies, style.name).length === 0;
    return { state, cookieHeader: isClean ? null : replaceSessionCookies(cookies, style.name, null), setCookies };
  }
  const renewed = await keeper.renewed(state, cookies);
  const sealed = renewed?.sealed ?? (isUnambiguous(cookies, style.name) ? null : await writer.codec.seal(state.claims));
  if (sealed === null) return { state, cookieHeader: null, setCookies: [] };
  // Auth.js writes the session itself on this route; ours would only race with it. What it can't see is the stale rest.
  const stale = staleCookieLines(style, cookies, chunkNames(sealed, style.name));
  return {
    state,
    cookieHeader: replaceSessionCookies(cookies, style.name, sealed),
    setCookies: isSessionRoute ? stale : (renewed?.lines ?? []),
  };
}

/**
 * For sign-in, sign-out and the callback, which need no token: only what would confuse Auth.js is taken out, and a session
 * that has ended, which Auth.js would take for a good one and prolong.
 */
async function asItIs(
  { gateway }: NextRuntime,
  { cookies, isCallback }: { cookies: CookiePairs; isCallback: boolean },
): Promise<PageSession> {
  const { codec } = gateway.writer;
  const { name } = codec.style;
  const state: SessionState = { status: "none" };
  if (sessionCookieNames(cookies, name).length === 0) return { state, cookieHeader: null, setCookies: [] };
  const claims = await codec.read(cookies);
  if (claims && (await gateway.keeper.hasEnded(claims))) {
    // On the callback Auth.js sets the next session, under the same names.
    const removal = isCallback
      ? []
      : await gateway.keeper.cookieLines({ status: "ended" }, cookies, { recheck: false });
    return { state, cookieHeader: replaceSessionCookies(cookies, name, null), setCookies: removal };
  }
  if (isUnambiguous(cookies, name)) return { state, cookieHeader: null, setCookies: [] };
  const cookieHeader = claims
    ? replaceSessionCookies(cookies, name, await codec.seal(claims))
    : dropForeignCookies(cookies, name);
  return { state, cookieHeader, setCookies: [] };
}

function nextResponse(request: NextRequest, cookieHeader: string | null): NextResponse {
  if (cookieHeader === null) return NextResponse.next();
  const headers = new Headers(request.headers);
  headers.set("cookie", cookieHeader);
  return NextResponse.next({ request: { headers } });
}

/** An app's `authorized` may rewrite elsewhere; a Set-Cookie on such a response would be sent there (measured). */
function isExternalRewrite(response: Response, request: NextRequest): boolean {
  const rewrite = response.headers.get("x-middleware-rewrite");
  return rewrite !== null && new URL(rewrite, request.url).origin !== request.nextUrl.origin;
}
