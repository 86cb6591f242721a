import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
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
 * @throws {ConfigError} naming the variable or option to mend
 */
export function registerGateway(sources: GatewaySources): void {
  const { gateway } = nextRuntime(sources);
  const memory = processMemory();
  if (memory.hasRawTargets) return;
  memory.hasRawTargets = true;
  // Node's own channel (documented since 18.8): published before any listener of the server runs.
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { request: IncomingMessage };
    const target = request.url ?? "/";
    request.headers[RAW_TARGET_HEADER] = target;
    // Next repairs `//` and `\` by a redirect before middleware runs; a repaired path is still no canonical one.
    if (gateway.route(target).to === "bad_path") request.url = REFUSED_PATH;
  });
}
