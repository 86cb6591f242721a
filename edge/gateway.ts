import type { Backend, readBackends } from "./backend/backend";
import { isSameOrigin } from "./backend/cross-site";
import { clientResponse, type Forwarded, forward } from "./backend/forward";
import { type RequestBody, requestBody } from "./backend/request-body";
import { type Route, route } from "./backend/route";
import { upstreamUrl } from "./backend/upstream-url";
import { ConfigError, type Log, type ProblemCode, type ProblemDetails, problemLevel, problemResponse } from "./problem";
import { parseCookies } from "./session/cookies";
import type { LiveSession, SessionKeeper, SessionState, WaitUntil } from "./session-keeper";

/** What a host knows of one request, beyond the `Request`. */
export interface RequestContext {
  /** Path and query as they stood on the request line, if the host can tell; else those of the URL. */
  target: string;
  /** Keeps work alive after the response. */
  waitUntil: WaitUntil;
  /** The largest body that the host hands over whole, bytes; null when it streams. */
  bodyLimitBytes: number | null;
  /** Sends a WebSocket upgrade upstream; absent on hosts whose fetch can't. */
  upgrade?: (url: URL, init: { headers: Headers; signal: AbortSignal }) => Promise<Response>;
}

/** What the pipeline is made of; `createGateway` in `create-gateway.ts` assembles it. */
export interface GatewayParts {
  origin: string;
  backends: ReturnType<typeof readBackends>;
  keeper: SessionKeeper;
  fetch: typeof fetch;
  log: Log;
}

/** The request's way, one step a function. */
export interface Gateway {
  /** Where a target leads: path and query as they stood on the request line. */
  route(target: string): Route;
  /** @returns the response for a backend's path; null when the path is none of ours */
  handle(request: Request, context: RequestContext): Promise<Response | null>;
}

export function gatewayPipeline(parts: GatewayParts): Gateway {
  const mounts = [...parts.backends.keys()];
  return {
    route: (target) => route(target, mounts),
    async handle(request, context) {
      const routed = route(context.target, mounts);
      if (routed.to === "elsewhere") return null;
      try {
        const allowNavigation = routed.to === "backend" && backendOf(parts, routed.mount).allowNavigation;
        if (!isSameOrigin(request, { origin: parts.origin, allowNavigation })) return refuse(parts, "cross_site");
        if (routed.to === "bad_path") return refuse(parts, "bad_path");
        const backend = backendOf(parts, routed.mount);
        const url = upstreamUrl(backend.base, routed);
        if (!url) return refuse(parts, "bad_path");
        return await toBackend({ parts, request, context, backend, url });
      } catch (error) {
        return failure(error, parts.log);
      }
    },
  };
}

interface Passage {
  parts: GatewayParts;
  request: Request;
  context: RequestContext;
  backend: Backend;
  url: URL;
}

async function toBackend(passage: Passage): Promise<Response> {
  const { parts, request, context, backend } = passage;
  if (!backend.methods.includes(request.method)) {
    return refuse(parts, "method_not_allowed", { headers: { allow: backend.methods.join(", ") } });
  }
  if (request.headers.has("upgrade") && !context.upgrade) return refuse(parts, "upgrade_unsupported");
  const cookies = parseCookies(request.headers.get("cookie"));
  const state = await parts.keeper.current(cookies, context.waitUntil);
  const body = state.status === "live" ? await requestBody(request, { limitBytes: context.bodyLimitBytes }) : null;
  if (state.status !== "live" || !body) {
    const lines = await parts.keeper.cookieLines(state, cookies, { recheck: false });
    return withCookies(state.status === "live" ? refuse(parts, "body_too_large") : refuseSession(parts, state), lines);
  }
  const { forwarded, state: last } = await forwardWithRetry(passage, { state, body });
  const response = "problem" in forwarded ? refuse(parts, forwarded.problem) : forwarded.response;
  return withCookies(response, await parts.keeper.cookieLines(last, cookies, { recheck: true }));
}

/** An upstream 401 means that the request was not carried out (RFC 9110 section 15.5.2), so it may be sent again once. */
async function forwardWithRetry(
  { parts, request, context, backend, url }: Passage,
  { state, body }: { state: LiveSession; body: RequestBody },
): Promise<{ forwarded: Forwarded; state: SessionState }> {
  const send = ({ entry }: LiveSession): Promise<Forwarded> => {
    const { accessToken } = entry.tokens;
    return forward({ backend, url, request, body, accessToken, fetch: parts.fetch, upgrade: context.upgrade });
  };
  const filtered = (answer: Forwarded): Forwarded =>
    "problem" in answer ? answer : clientResponse(answer.response, { backend, url, origin: parts.origin });
  const first = await send(state);
  if ("problem" in first || first.response.status !== 401) return { forwarded: filtered(first), state };
  const next = await parts.keeper.afterRejection(state, context.waitUntil);
  if (next?.status === "ended") {
    void first.response.body?.cancel().catch(() => {});
    return { forwarded: { problem: "session_expired" }, state: next };
  }
  if (next?.status !== "live" || !body.replayable) return { forwarded: filtered(first), state: next ?? state };
  void first.response.body?.cancel().catch(() => {});
  return { forwarded: filtered(await send(next)), state: next };
}

function refuseSession(parts: GatewayParts, state: Exclude<SessionState, LiveSession>): Response {
  if (state.status === "none") return refuse(parts, "session_required");
  if (state.status !== "unavailable") return refuse(parts, "session_expired");
  const { problem, retryAfterSeconds } = state;
  return refuse(parts, problem, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

function refuse(parts: GatewayParts, code: ProblemCode, details?: ProblemDetails): Response {
  parts.log({ level: problemLevel(code), event: code });
  return problemResponse(code, details);
}

/** The answer to a throw: bad configuration names what to mend; a bug names nothing. */
export function failure(error: unknown, log: Log): Response {
  if (error instanceof ConfigError) {
    log({ level: "error", event: "misconfigured", detail: error.message });
    return problemResponse("misconfigured", { detail: error.message });
  }
  log({ level: "error", event: "internal_error", name: error instanceof Error ? error.name : typeof error });
  return problemResponse("internal_error");
}

function backendOf(parts: GatewayParts, mount: string): Backend {
  const backend = parts.backends.get(mount);
  if (!backend) throw new Error(`no backend at ${mount}`);
  return backend;
}

/** A response that sets a cookie is one person's alone. */
function withCookies(response: Response, lines: readonly string[]): Response {
  if (lines.length === 0) return response;
  for (const line of lines) response.headers.append("set-cookie", line);
  const isTransformable = !response.headers.get("cache-control")?.includes("no-transform");
  response.headers.set("cache-control", isTransformable ? "private, no-store" : "private, no-store, no-transform");
  return response;
}
