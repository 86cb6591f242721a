import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { resolve } from "node:path";

/** `npm run build`: a clean `next build` (Turbopack can panic on another build's leftovers), then what the edge bundle weighs. */
const root = resolve(import.meta.dirname, "..");
for (const leftover of [".next", ".open-next", ".vercel"]) {
  rmSync(resolve(root, leftover), { recursive: true, force: true });
}
for (const script of ["node_modules/next/dist/bin/next", "scripts/size.mjs"]) {
  const args = script.endsWith("next") ? [script, "build"] : [script];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
