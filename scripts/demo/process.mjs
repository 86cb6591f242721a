import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const KEPT_LINES = 200;
const GRACE_MS = 3000;

/**
 * @typedef {object} RunningProcess
 * @property {Promise<{ code: number | null, signal: NodeJS.Signals | null }>} exited - never rejects
 * @property {() => string} lastOutput - the last lines of both outputs
 * @property {() => Promise<void>} stop - asks to end, insists after a few seconds, resolves when it is gone
 */

/**
 * Starts this Node with a script of its own, in a process group of its own: what the script starts ends with it, and
 * Ctrl-C in the terminal reaches us alone, who then end things in order.
 *
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, signal: AbortSignal, onLine?: (line: string) => void }} options
 * @returns {RunningProcess}
 */
export function startNode(args, { cwd, env, signal, onLine = () => {} }) {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: HAS_GROUPS });
  /** @type {string[]} */
  const lines = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      onLine(line);
    });
  }
  const lastResort = () => kill(child, "SIGKILL");
  process.once("exit", lastResort);
  /** @type {RunningProcess["exited"]} */
  const exited = new Promise((resolve) => {
    child.once("error", (error) => {
      lines.push(String(error));
      resolve({ code: 1, signal: null });
    });
    child.once("exit", (code, killedBy) => {
      // Its own children, if it left any behind.
      kill(child, "SIGKILL");
      process.off("exit", lastResort);
      resolve({ code, signal: killedBy });
    });
  });
  const stop = async () => {
    kill(child, "SIGTERM");
    const timer = setTimeout(() => kill(child, "SIGKILL"), GRACE_MS);
    await exited;
    clearTimeout(timer);
  };
  if (signal.aborted) void stop();
  else signal.addEventListener("abort", stop, { once: true });
  return { exited, stop, lastOutput: () => lines.join("\n") };
}

/** Windows has no process groups to signal. */
const HAS_GROUPS = process.platform !== "win32";

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function kill(child, signal) {
  if (child.pid === undefined) return;
  try {
    if (HAS_GROUPS) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // Gone already.
  }
}
