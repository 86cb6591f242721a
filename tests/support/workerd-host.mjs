import { bundleWorker, startWorkerd } from "./workerd.mjs";

/** The bundled worker on workerd, as a host for the gateway suite. @type {import("../gateway/world").HostUnderTest} */
export const workerdHost = {
  name: "workerd",
  bodyLimitBytes: null,
  forwardsUpgrades: true,
  // workerd's own URL parser has resolved dot segments and backslashes before any code runs.
  seesRawPaths: false,
  // `cf-worker` is workerd's own mark on every subrequest.
  transportHeaders: ["host", "accept-encoding", "content-length", "transfer-encoding", "connection", "cf-worker"],
  async start(env) {
    const worker = await startWorkerd({ script: await bundleWorker(), vars: withoutUndefined(env) });
    return {
      ...worker,
      port: Number(new URL(worker.origin).port),
      // It can't refuse to start: with settings that can't work it answers 503.
      hasExited: () => false,
    };
  },
};

/** workerd's bindings are strings; an empty one is as good as missing to the gateway. */
function withoutUndefined(env) {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? ""]));
}
