import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** What the suites need and npm does not bring: the program, and Debian's package of it. */
const TOOLS = [
  { path: "/usr/bin/chromium", name: "chromium" },
  { path: "/usr/bin/redis-server", name: "redis-server" },
];

/** Installs with apt what is missing, as root; else says how to get it and ends. */
export async function installTools() {
  const missing = TOOLS.filter(({ path }) => !existsSync(path)).map(({ name }) => name);
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync("/usr/bin/apt-get")) {
    process.stdout.write(
      `The tests need ${missing.join(" and ")}. On Debian: sudo apt-get install ${missing.join(" ")}\n`,
    );
    process.exit(1);
  }
  process.stdout.write(`installing ${missing.join(", ")} with apt…\n`);
  const apt = (...args) =>
    spawnSync("apt-get", ["-q", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status;
  if (apt("update") !== 0 || apt("install", "-y", "--no-install-recommends", ...missing) !== 0) {
    process.stdout.write(`apt could not install ${missing.join(", ")}\n`);
    process.exit(1);
  }
}
