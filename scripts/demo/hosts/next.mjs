import { startNode } from "../process.mjs";

/**
 * @typedef {object} HostOptions
 * @property {string} root - the project
 * @property {number} port
 * @property {NodeJS.ProcessEnv} env - with all settings of the gateway
 * @property {AbortSignal} signal
 * @property {(line: string) => void} onLine
 */

/**
 * The gateway under `next start`, on loopback only.
 *
 * @param {HostOptions} options
 * @returns {import("../process.mjs").RunningProcess}
 */
export function startNext({ root, port, env, signal, onLine }) {
  const args = ["node_modules/next/dist/bin/next", "start", "-H", "localhost", "-p", String(port)];
  return startNode(args, { cwd: root, env, signal, onLine });
}
