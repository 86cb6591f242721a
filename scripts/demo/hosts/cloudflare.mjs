import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "../process.mjs";

/**
 * The gateway on workerd, under `wrangler dev`, on loopback only. Its settings and its Durable Objects' storage live in a
 * folder of their own that ends with it: nobody's `.dev.vars` is read or written.
 *
 * @type {import("./next.mjs").DemoHost}
 */
export const cloudflare = {
  defaultPort: 8787,
  build: { marker: ".open-next/worker.js", args: ["node_modules/@opennextjs/cloudflare/dist/cli/index.js", "build"] },
  start({ root, port, env, settings, signal, onLine }) {
    const folder = mkdtempSync(join(tmpdir(), "gateway-demo-"));
    const envFile = join(folder, "settings.env");
    const lines = Object.entries(settings).map(([name, value]) => `${name}="${value}"`);
    writeFileSync(envFile, lines.join("\n"), { mode: 0o600 });
    const args = ["node_modules/wrangler/bin/wrangler.js", "dev", "--ip", "127.0.0.1", "--port", String(port)];
    args.push("--env-file", envFile, "--persist-to", join(folder, "state"), "--inspector-port", "0");
    args.push("--show-interactive-dev-session=false");
    const app = startNode(args, {
      cwd: root,
      env: { ...env, WRANGLER_SEND_METRICS: "false", CI: "1" },
      signal,
      onLine,
    });
    void app.exited.then(() => rmSync(folder, { recursive: true, force: true }));
    return app;
  },
};
