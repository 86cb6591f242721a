import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { processMemory, RAW_TARGET_HEADER } from "../process-memory";
import { type GatewaySources, nextRuntime } from "./runtime";

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
  nextRuntime(sources);
  const memory = processMemory();
  if (memory.hasRawTargets) return;
  memory.hasRawTargets = true;
  // Node's own channel (documented since 18.8): published before any listener of the server runs.
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { request: IncomingMessage };
    request.headers[RAW_TARGET_HEADER] = request.url ?? "/";
  });
}
