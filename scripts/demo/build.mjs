import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startNode } from "./process.mjs";

/** What the build is made from. */
const SOURCE_FOLDERS = ["app", "edge"];
const SOURCE_FILES =
  /^(?:auth(?:\..+)?|gateway\.config|middleware|(?:open-)?next\.config|instrumentation)\.ts$|^(?:package\.json|wrangler\.toml)$/;

/**
 * Builds the app for a host unless there is a build of it that is newer than its sources.
 *
 * @param {{ root: string, build: import("./hosts/next.mjs").DemoHost["build"], env: NodeJS.ProcessEnv,
 *   signal: AbortSignal, say: (text: string) => void }} options
 * @throws {Error} with the build's last output
 */
export async function ensureBuild({ root, build: { marker: file, args }, env, signal, say }) {
  const marker = join(root, file);
  const isUsable = existsSync(marker) && statSync(marker).mtimeMs >= newestSource(root);
  if (isUsable) return;
  say(existsSync(marker) ? "The sources are newer than the build." : "There is no build yet.");
  say("Building the app: this takes a minute, once …");
  const startedAt = Date.now();
  // It is written before the build has finished: one that was interrupted must not look whole. And leftovers of another
  // host's build can make Turbopack panic.
  for (const leftover of [".next", ".open-next", ".vercel"])
    rmSync(join(root, leftover), { recursive: true, force: true });
  const build = startNode(args, { cwd: root, env, signal });
  const { code } = await build.exited;
  if (code !== 0) rmSync(marker, { force: true });
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`The build failed:\n\n${build.lastOutput()}`);
  say(`Built in ${Math.round((Date.now() - startedAt) / 1000)} seconds.`);
}

/** @param {string} root */
function newestSource(root) {
  const files = readdirSync(root).filter((name) => SOURCE_FILES.test(name));
  for (const folder of SOURCE_FOLDERS) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    files.push(...entries.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)));
  }
  // Folders count too: their time tells of files that were removed.
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs));
}
