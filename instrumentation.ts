import authConfig from "./auth.config";
import gatewayConfig from "./gateway.config";

/** Next calls it once, before the first request: a server with missing or malformed settings does not start. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { registerGateway } = await import("./edge/host/next/instrumentation");
  registerGateway({ auth: authConfig, gateway: gatewayConfig });
}
