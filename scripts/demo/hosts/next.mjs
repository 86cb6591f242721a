import { startNode } from "../process.mjs";

/**
 * A host that the demo can run the gateway on.
 *
 * @typedef {object} DemoHost
 * @property {number} defaultPort
 * @property {{ marker: string, args: string[] }} build - the script that builds it, and the file that a build leaves
 * @property {(options: HostOptions) => import("../process.mjs").RunningProcess} start
 *
 * @typedef {object} HostOptions
 * @property {string} root - the project
 * @property {number} port
 * @property {NodeJS.ProcessEnv} env - without settings of the gateway
 * @property {Record<string, string>} settings - the gateway's
 * @property {AbortSignal} signal
 * @property {(line: string) => void} onLine
 */

const NEXT = "node_modules/next/dist/bin/next";

/** The gateway under `next start`, on loopback only. @type {DemoHost} */
export const next = {
  defaultPort: 3000,
  build: { marker: ".next/BUILD_ID", args: [NEXT, "build"] },
  start({ root, port, env, settings, signal, onLine }) {
    const args = [NEXT, "start", "-H", "localhost", "-p", String(port)];
    return startNode(args, { cwd: root, env: { ...env, ...settings }, signal, onLine });
  },
};
