import { readFileSync, writeFileSync } from "node:fs";

/**
 * Completes `package-lock.json` after an `npm install` whose registry does not serve every platform's packages: npm
 * leaves those out, and `npm ci` then refuses the lock everywhere, though it would not have installed them. They are
 * named, with their platform, and without a hash that nobody here could have checked.
 */
const FILE = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(FILE, "utf8"));
const known = new Set(Object.keys(lock.packages).map((path) => path.split("node_modules/").pop()));

const OS = { darwin: "darwin", linux: "linux", android: "android", win32: "win32", windows: "win32" };
const CPU = { arm64: "arm64", x64: "x64", 64: "x64" };

for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (known.has(name)) continue;
    const words = name.split(/[/-]/);
    const pick = (table) => words.flatMap((word) => (Object.hasOwn(table, word) ? [table[word]] : []));
    const [os, cpu, libc] = [pick(OS), pick(CPU), words.includes("musl") ? ["musl"] : []];
    if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name}: its platform can't be told from its name`);
    const platform = { cpu, ...(libc.length > 0 && { libc }), os };
    lock.packages[`node_modules/${name}`] = { version, ...(dev && { dev }), ...platform, optional: true };
    known.add(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
