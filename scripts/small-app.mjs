import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Builds an app of one empty page with this project's Next: something to measure the gateway against.
 *
 * @param {string} folder inside the project: Turbopack takes no modules from outside its root
 * @param {{ root: string, middleware: string, files?: Record<string, string> }} options `root`: the project, for its
 *   node_modules; `middleware`: source; `files`: more sources, by their path in the app
 */
export function buildSmallApp(folder, { root, middleware, files = {} }) {
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const write = (name, text) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write("package.json", '{ "type": "module" }');
  write("next.config.mjs", `export default { turbopack: { root: ${JSON.stringify(root)} } };`);
  write("app/layout.js", "export default ({ children }) => <html><body>{children}</body></html>;");
  write("app/page.js", "export default () => null;");
  write("middleware.js", middleware);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const next = join(root, "node_modules/next/dist/bin/next");
  const { status, stdout, stderr } = spawnSync(process.execPath, [next, "build"], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`the small app did not build: ${(stdout + stderr).slice(-1000)}`);
}
