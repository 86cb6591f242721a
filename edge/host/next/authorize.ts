import { NextRequest, NextResponse } from "next/server";
import type { Session } from "next-auth";
import type { SessionState } from "../../session-keeper";
import { AUTH_BASE_PATH } from "./paths";
import type { NextRuntime } from "./runtime";
import { sessionFor } from "./session-for";

/**
 * Asks the app's `callbacks.authorized`, with the meaning it has in Auth.js: a falsy value sends to the sign-in page, a
 * `Response` is used as it is, anything else lets the request on.
 *
 * @param options - `next`: the response that lets the request on, with the fresh session in it
 */
export async function authorize(
  request: NextRequest,
  { runtime, state, next }: { runtime: NextRuntime; state: SessionState; next: NextResponse },
): Promise<Response> {
  const { authorized } = runtime.auth.callbacks ?? {};
  if (!authorized) return next;
  const { origin } = runtime.gateway.settings;
  // Not `new URL(path, origin)`: a path that begins with `//` would name a host.
  const url = new URL(`${origin}${request.nextUrl.pathname}${request.nextUrl.search}`);
  const verdict = await authorized({ request: new NextRequest(url, request), auth: await sessionOf(runtime, state) });
  if (verdict instanceof Response) return respond(verdict, { url, runtime, next });
  if (verdict) return next;
  const signIn = new URL(runtime.auth.pages?.signIn ?? `${AUTH_BASE_PATH}/signin`, origin);
  if (url.pathname === signIn.pathname) return next;
  signIn.searchParams.set("callbackUrl", `${url.pathname}${url.search}`);
  // 307 would send a form's POST on to the sign-in page (RFC 9110 section 15.4.8).
  const status = request.method === "GET" || request.method === "HEAD" ? 307 : 303;
  return NextResponse.redirect(signIn, status);
}

function respond(
  verdict: Response,
  { url, runtime, next }: { url: URL; runtime: NextRuntime; next: NextResponse },
): Response {
  const location = verdict.headers.get("location");
  const isOwnPage = Object.values<unknown>(runtime.auth.pages ?? {}).includes(url.pathname);
  // As in Auth.js: the sign-in page may not be sent to itself for ever.
  if (location !== null && isOwnPage && new URL(location, url).pathname === url.pathname) return next;
  const response = new NextResponse(verdict.body, verdict);
  const passesOn = response.headers.has("x-middleware-next") || response.headers.has("x-middleware-rewrite");
  if (passesOn && !response.headers.has("x-middleware-override-headers")) {
    for (const [name, value] of next.headers) {
      if (name === "x-middleware-override-headers" || name.startsWith("x-middleware-request-"))
        response.headers.set(name, value);
    }
  }
  return response;
}

async function sessionOf({ gateway, auth }: NextRuntime, state: SessionState): Promise<Session | null> {
  if (state.status === "none" || state.status === "ended") return null;
  const claims =
    state.status === "live" ? { ...state.claims, gateway: { ...state.claims.gateway, ...state.entry } } : state.claims;
  const nowMs = Date.now();
  const expires = new Date(nowMs + gateway.writer.codec.maxAgeSeconds * 1000).toISOString();
  return sessionFor(claims, { expires, callback: auth.callbacks?.session, nowMs });
}
