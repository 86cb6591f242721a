import type { Log } from "../problem";
import type { Env } from "../settings";

/** One JSON line an event, on the console. Routine events stay silent; `GATEWAY_LOG=info` shows them. */
export function consoleLog(env: Env): Log {
  return (event) => {
    if (event.level === "info" && env.GATEWAY_LOG !== "info") return;
    const line = JSON.stringify({ at: "edge-token-gateway", ...event });
    if (event.level === "error") console.error(line);
    else if (event.level === "warn") console.warn(line);
    else console.info(line);
  };
}
