import { failure } from "../../gateway";
import { consoleLog } from "../console-log";
import { isPrivateNoStore, PRIVATE_NO_STORE } from "../keep-cookies-private";
import { type GatewaySources, nextRuntime } from "../next/runtime";
import { RAW_TARGET_HEADER } from "../process-memory";
import { preparePlatform, type WorkerContext, type WorkerEnv } from "./platform";
import { isWebSocketUpgrade, upgradeWebSocket } from "./web-socket";

/** A module worker's `fetch`, ours and OpenNext's. */
export interface FetchHandler {
  fetch(request: Request, env: WorkerEnv, context: WorkerContext): Promise<Response>;
}

/**
 * The gateway as a Cloudflare Worker: answers `/backend/…` itself, before Next is even loaded, and hands everything else
 * to OpenNext, whose middleware is the same gateway on the same Durable Objects.
 *
 * @param loadNext - imports OpenNext's worker; called for the first request that needs it
 */
export function gatewayWorker(
  sources: GatewaySources,
  loadNext: () => Promise<{ default: FetchHandler }>,
): FetchHandler {
  return {
    async fetch(request, env, context) {
      try {
        preparePlatform(env);
        const { gateway } = nextRuntime(sources);
        const target = rawTarget(request.url);
        const own = await gateway.handle(request, {
          target,
          waitUntil: (work) => context.waitUntil(work),
          bodyLimitBytes: null,
          ...(isWebSocketUpgrade(request) ? { upgrade: upgradeWebSocket } : {}),
        });
        if (own) return own;
        const next = (await loadNext()).default;
        return keepCookiesPrivate(await next.fetch(withRawTarget(request, target), env, context));
      } catch (error) {
        return failure(error, consoleLog(process.env));
      }
    },
  };
}

/** By hand: `new URL` would resolve what is to be judged. */
function rawTarget(url: string): string {
  const pathStart = url.indexOf("/", url.indexOf("://") + 3);
  return pathStart < 0 ? "/" : url.slice(pathStart);
}

/** Written over whatever the client sent: the middleware believes it. */
function withRawTarget(request: Request, target: string): Request {
  const headers = new Headers(request.headers);
  headers.set(RAW_TARGET_HEADER, target);
  return new Request(request, { headers });
}

/** No cache may keep a response that sets a cookie. */
function keepCookiesPrivate(response: Response): Response {
  const isPrivate = isPrivateNoStore(response.headers.get("cache-control") ?? "");
  if (isPrivate || !response.headers.has("set-cookie")) return response;
  const copy = new Response(response.body, response);
  copy.headers.set("cache-control", PRIVATE_NO_STORE);
  return copy;
}
