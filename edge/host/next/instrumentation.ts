import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AssembledGateway } from "../../create-gateway";
import { ConfigError } from "../../problem";
import { isPrivateNoStore, PRIVATE_NO_STORE } from "../keep-cookies-private";
import { processMemory, RAW_TARGET_HEADER } from "../process-memory";
import { type GatewaySources, nextRuntime } from "./runtime";

/** Any path that the middleware's matcher takes: what is judged there is the raw target. */
const REFUSED_PATH = "/backend/";

/**
 * Prepares the gateway before the server takes its first request; called from `register()` in `instrumentation.ts`.
 *
 * It checks every setting, so that a server that can't work does not start; opens the memory ledger on the Node side,
 * where no request owns it; and has each request carry its raw target, which Next changes before middleware sees it
 * (`/a/../b`, `/x.rsc` and `/_next/data/…` arrive resolved: measured on Next 16.4.6).
 *
 * With settings that can't work, `next start` ends with status 1 and the name of what to mend. A function on Vercel has no
 * start that could fail: there the middleware answers 503 everywhere, with the same name.
 */
export function registerGateway(sources: GatewaySources): void {
  const gateway = assemble(sources);
  if (!gateway) return;
  const memory = processMemory();
  if (memory.hasRawTargets) return;
  memory.hasRawTargets = true;
  // Node's own channel (documented since 18.8): published before any listener of the server runs.
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const target = request.url ?? "/";
    request.headers[RAW_TARGET_HEADER] = target;
    // Next repairs `//` and `\` by a redirect before middleware runs; a repaired path is still no canonical one.
    if (gateway.route(target).to === "bad_path") request.url = REFUSED_PATH;
    keepCookiesPrivate(response);
  });
}

/**
 * No cache may keep a response that sets a cookie. Next overwrites what middleware says of a Server Action's response
 * (measured on Next 16.4.6: `no-store` without `private`), and Auth.js signs in and out there.
 */
function keepCookiesPrivate(response: ServerResponse): void {
  const writeHead = response.writeHead;
  response.writeHead = ((...args: Parameters<typeof writeHead>) => {
    const isPrivate = isPrivateNoStore(String(response.getHeader("cache-control")));
    if (response.hasHeader("set-cookie") && !isPrivate) response.setHeader("cache-control", PRIVATE_NO_STORE);
    return writeHead.apply(response, args);
  }) as typeof writeHead;
}

function assemble(sources: GatewaySources): AssembledGateway | null {
  try {
    return nextRuntime(sources).gateway;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`edge-token-gateway: ${error.message}`);
    // Next itself goes on after a failed hook and answers 500 without a word (measured on Next 16.4.6).
    if (process.env.NODE_ENV === "production" && !process.env.VERCEL) process.exit(1);
    return null;
  }
}
