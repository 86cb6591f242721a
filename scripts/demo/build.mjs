import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startNode } from "./process.mjs";

const NEXT = "node_modules/next/dist/bin/next";

/** What the build is made from. */
const SOURCE_FOLDERS = ["app", "edge"];
const SOURCE_FILES =
  /^(?:auth(?:\..+)?\.ts|gateway\.config\.ts|middleware\.ts|next\.config\.ts|instrumentation\.ts|package\.json)$/;

/**
 * Builds the app unless `.next` holds a build that is newer than its sources.
 *
 * @param {{ root: string, env: NodeJS.ProcessEnv, signal: AbortSignal, say: (text: string) => void }} options
 * @throws {Error} with the build's last output
 */
export async function ensureBuild({ root, env, signal, say }) {
  const marker = join(root, ".next", "BUILD_ID");
  const isUsable = existsSync(marker) && statSync(marker).mtimeMs >= newestSource(root);
  if (isUsable) return;
  say(existsSync(marker) ? "The sources are newer than the build." : "There is no build yet.");
  say("Building the app: this takes a minute, once …");
  const startedAt = Date.now();
  // Next writes it before it has finished: a build that was interrupted must not look like a whole one.
  rmSync(marker, { force: true });
  const build = startNode([NEXT, "build"], { cwd: root, env, signal });
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
