import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { freePort } from "./listen.mjs";

/** `next start` on the build in `.next`, as a host for the gateway suite. @type {import("../gateway/world").HostUnderTest} */
export const nextHost = {
  name: "next start",
  bodyLimitBytes: 10 * 1024 * 1024,
  forwardsUpgrades: false,
  seesRawPaths: true,
  transportHeaders: [
    "host",
    "connection",
    "accept-encoding",
    "sec-fetch-mode",
    "content-length",
    "transfer-encoding",
    // Fetch section 4.6: with a conditional request the cache mode is "no-store", which sends these two.
    "cache-control",
    "pragma",
  ],
  start: startNext,
};

const READY_TIMEOUT_MS = 20_000;

/** @param {Record<string, string | undefined>} env settings; an `AUTH_URL` that is not named at all is the server's own origin
 * @param {{ cwd?: string }} [options] `cwd`: the built app's folder */
export async function startNext(env, { cwd = process.cwd() } = {}) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1"], {
    cwd,
    env: defined({ PATH, HOME, NODE_ENV: "production", AUTH_URL: origin, PORT: String(port), ...env }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      log += chunk;
    });
  }
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await ready({ child, log: () => log });
  return {
    origin,
    port,
    log: () => log,
    hasExited: () => child.exitCode !== null,
    peakMemoryMib: () => peakMemoryMib(child.pid),
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Ready, or ended by itself: a host that refuses its settings ends. */
async function ready({ child, log }) {
  const endMs = Date.now() + READY_TIMEOUT_MS;
  while (!log().includes("Ready in") && child.exitCode === null) {
    if (Date.now() > endMs) throw new Error(`next start is not ready:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Linux's high-water mark of a process's resident memory. */
export function peakMemoryMib(pid) {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

function defined(env) {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
