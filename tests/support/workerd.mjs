import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "./listen.mjs";
import { peakMemoryMib } from "./next-host.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);
// The one that wrangler pins: `wrangler dev` runs the same, with a bundler and a proxy in front that tests do not need.
const ofWrangler = createRequire(require.resolve("wrangler/package.json"));
const { Log, LogLevel, Miniflare, convertV4MiniflareOptions } = ofWrangler("miniflare");

/** As in `wrangler.toml`. */
const CLASS_NAME = "SessionLedger";
const BINDING = "SESSION_LEDGER";
const [, COMPATIBILITY_DATE] = /^compatibility_date = "(.*)"/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));

/**
 * Bundles what `opennextjs-cloudflare build` made with our worker in front, as `wrangler deploy` does: about 3 s. It is
 * kept in `.open-next`, so the next build throws it away.
 *
 * @param {string} [root] - the project
 * @returns {Promise<string>} path of the one module
 */
export async function bundleWorker(root = ROOT) {
  if (!existsSync(join(root, ".open-next/worker.js"))) throw new Error("no .open-next: run `npm run cf:build` first");
  const outDir = join(root, ".open-next/bundle");
  const script = join(outDir, "worker.js");
  if (existsSync(script)) return script;
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" };
  const args = [wrangler, "deploy", "--dry-run", "--outdir", outDir];
  await promisify(execFile)(process.execPath, args, { cwd: root, env });
  return script;
}

/**
 * Bundles a test's own worker.
 *
 * @param {string} entry
 * @param {string} outfile
 * @returns {Promise<string>} `outfile`
 */
export async function bundleTestWorker(entry, outfile) {
  await ofWrangler("esbuild").build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  return outfile;
}

/**
 * @typedef {object} WorkerdOptions
 * @property {Record<string, string | undefined>} [vars] - settings and secrets; an `AUTH_URL` that is not named at all
 *   is the worker's own origin
 * @property {string} [script] - the bundled worker; default {@link bundleWorker}'s
 * @property {number} [port] - default a free one
 * @property {number} [isolates] - so many isolates with one set of Durable Objects, each with an origin of its own
 * @property {boolean} [bindLedger] - false leaves the Durable Object's binding out
 * @property {boolean} [assets] - false for a worker without OpenNext's static files
 *
 * @typedef {object} Workerd
 * @property {string} origin - `http://localhost:…`: cookies and the loopback rule count on the name
 * @property {string[]} origins - one for each isolate; the first is `origin`
 * @property {number} port - of `origin`
 * @property {() => string} log - what the workers wrote to their consoles
 * @property {() => number} peakMemoryMib - of the process
 * @property {() => Promise<void>} stop
 * @property {(vars?: Record<string, string>) => Promise<void>} restart - a new process with the old one's storage and other settings
 * @property {() => Promise<void>} kill - SIGKILL, then a new process with the old one's storage
 * @property {(id: string) => Promise<void>} evict - takes a Durable Object out of memory, by one of `ids`
 * @property {() => Promise<Buffer[]>} dump - every file of the Durable Objects' storage
 * @property {() => Promise<string[]>} ids - the ids of the Durable Objects that have stored anything
 */

/**
 * Starts the bundled gateway on workerd, on loopback.
 *
 * @param {WorkerdOptions} [options]
 * @returns {Promise<Workerd>}
 */
export async function startWorkerd(options = {}) {
  const script = options.script ?? (await bundleWorker());
  const ports = [options.port ?? (await freePort())];
  while (ports.length < (options.isolates ?? 1)) ports.push(await freePort());
  const storageDir = await mkdtemp(join(tmpdir(), "workerd-"));
  const lines = [];
  const configure = (vars) => miniflareOptions({ ...options, vars, script, ports, storageDir, lines });
  let miniflare = new Miniflare(configure(options.vars));
  await miniflare.ready;
  const replace = async (vars) => {
    await miniflare.dispose();
    miniflare = new Miniflare(configure(vars));
    await miniflare.ready;
  };
  const origins = ports.map((port) => `http://localhost:${port}`);
  return {
    origin: origins[0],
    origins,
    port: ports[0],
    log: () => lines.join("\n"),
    peakMemoryMib: () => peakMemoryMib(workerdOf(ports[0])),
    restart: (vars = options.vars) => replace(vars),
    async kill() {
      process.kill(workerdOf(ports[0]), "SIGKILL");
      await replace(options.vars);
    },
    evict: (id) => miniflare.unsafeEvictDurableObject("gateway-0", CLASS_NAME, { id }),
    ids: () => miniflare.listDurableObjectIds(CLASS_NAME, "gateway-0"),
    dump: () => filesBelow(storageDir),
    async stop() {
      await miniflare.dispose();
      await rm(storageDir, { recursive: true, force: true });
    },
  };
}

function miniflareOptions({ vars = {}, script, ports, storageDir, lines, bindLedger = true, assets = true }) {
  const workers = ports.map((port, index) => ({
    name: `gateway-${index}`,
    modules: [{ type: "ESModule", path: script }],
    modulesRoot: dirname(script),
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: ["nodejs_compat"],
    bindings: JSON.parse(JSON.stringify({ AUTH_URL: `http://localhost:${ports[0]}`, ...vars })),
    ...(bindLedger && {
      durableObjects: { [BINDING]: { className: CLASS_NAME, useSQLite: true, scriptName: "gateway-0" } },
    }),
    ...(assets && {
      assets: {
        directory: join(ROOT, ".open-next/assets"),
        binding: "ASSETS",
        routerConfig: { has_user_worker: true },
      },
    }),
    ...(index > 0 && { unsafeDirectSockets: [{ host: "127.0.0.1", port }] }),
  }));
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: ports[0],
    cf: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ message }) => lines.push(message),
    resourcePersistencePath: storageDir,
    workers,
  });
}

async function filesBelow(folder) {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))));
}

/** The pid of the workerd that this process has started on a port. */
function workerdOf(port) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      if (name !== "workerd" || Number(parent) !== process.pid) continue;
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`:${port}`)) return Number(pid);
    } catch {
      // It has ended between the two looks.
    }
  }
  throw new Error(`no workerd on port ${port}`);
}
