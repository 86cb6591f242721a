import { startWorkerd } from "./workerd.mjs";

/** Our worker in front of OpenNext's on workerd, as a host for the gateway suite. @type {import("../gateway/world").HostUnderTest} */
export const workerdHost = {
  name: "workerd",
  bodyLimitBytes: null,
  forwardsUpgrades: true,
  // It parses the URL before a worker sees it: dot segments and backslashes are resolved by then.
  seesRawPaths: false,
  transportHeaders: [
    "host",
    "content-length",
    "transfer-encoding",
    "cf-worker",
    // Of the suite's own client: with a conditional request Node's fetch sends it (Fetch section 4.6).
    "cache-control",
  ],
  async start(env) {
    const workerd = await startWorkerd({ vars: { GATEWAY_LOG: "info", ...env } });
    return { ...workerd, hasExited: () => false };
  },
};
