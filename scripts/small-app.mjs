import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Builds an app of one empty page with this project's Next: something to measure the gateway against.
 *
 * @param {string} folder inside the project: Turbopack takes no modules from outside its root
 * @param {{ root: string, middleware: string }} options `root`: the project, for its node_modules; `middleware`: source
 */
export function buildSmallApp(folder, { root, middleware }) {
  mkdirSync(join(folder, "app"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write("package.json", '{ "type": "module" }');
  write("next.config.mjs", `export default { turbopack: { root: ${JSON.stringify(root)} } };`);
  write("app/layout.js", "export default ({ children }) => <html><body>{children}</body></html>;");
  write("app/page.js", "export default () => null;");
  write("middleware.js", middleware);
  const next = join(root, "node_modules/next/dist/bin/next");
  const { status, stderr } = spawnSync(process.execPath, [next, "build"], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`the small app did not build: ${stderr.slice(-500)}`);
}
