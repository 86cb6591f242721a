/** `npm run demo`: a provider, an API and this app, working together on this machine. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { startApi } from "./api.mjs";
import { ensureBuild } from "./build.mjs";
import { appEnvironment } from "./environment.mjs";
import { cloudflare } from "./hosts/cloudflare.mjs";
import { next } from "./hosts/next.mjs";
import { assertFree, readPorts } from "./ports.mjs";
import { startProvider } from "./provider.mjs";
import { notReady } from "./ready.mjs";
import { USAGE, welcome } from "./text.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");
const AUDIENCE = "https://api.demo.example";
const CLIENT_ID = "edge-token-gateway-demo";
const ACCESS_TOKEN_TTL_SECONDS = 60;
const READY_TIMEOUT_MS = 60_000;

/** By the arguments that choose them. @type {Record<string, import("./hosts/next.mjs").DemoHost>} */
const HOSTS = { "": next, "--cloudflare": cloudflare };

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);

/**
 * Starts everything, waits for `signal`, ends everything.
 *
 * @param {import("./hosts/next.mjs").DemoHost} host
 * @param {AbortSignal} signal
 * @throws {Error} when something does not start, or dies
 */
async function runDemo(host, signal) {
  const ports = readPorts(process.env, { appPort: host.defaultPort });
  await assertFree(Object.values(ports));
  const env = appEnvironment(ROOT, process.env);
  await ensureBuild({ root: ROOT, build: host.build, env, signal, say });

  const origin = `http://localhost:${ports.app.port}`;
  const secret = randomBytes(32).toString("base64url");
  /** @type {(() => Promise<void>)[]} */
  const cleanups = [];
  try {
    const provider = await startProvider({
      port: ports.provider.port,
      audience: AUDIENCE,
      accessTokenTtlSeconds: ACCESS_TOKEN_TTL_SECONDS,
      clients: [{ id: CLIENT_ID, secret, redirectUris: [`${origin}/api/auth/callback/oidc`] }],
    });
    cleanups.push(provider.close);
    tellGrants(provider);
    const api = await startApi({ port: ports.api.port, issuer: provider.issuer, audience: AUDIENCE });
    cleanups.push(api.close);
    const settings = {
      AUTH_SECRET: randomBytes(33).toString("base64"),
      AUTH_URL: origin,
      AUTH_OIDC_ISSUER: provider.issuer,
      AUTH_OIDC_ID: CLIENT_ID,
      AUTH_OIDC_SECRET: secret,
      BACKEND_URL: api.url,
    };
    let isReady = false;
    const onLine = (/** @type {string} */ line) => isReady && line.trim() && say(`  app       ${line}`);
    const app = host.start({ root: ROOT, port: ports.app.port, env, settings, signal, onLine });
    cleanups.push(app.stop);

    say("Starting …");
    await untilReady({ origin, issuer: provider.issuer, api: api.url }, { app, signal });
    isReady = true;
    say(welcome({ origin, issuer: provider.issuer, api: api.url, ttlSeconds: ACCESS_TOKEN_TTL_SECONDS }));
    const { code, signal: killedBy } = await app.exited;
    if (!signal.aborted) throw new Error(`The app ended (${killedBy ?? code}):\n\n${app.lastOutput()}`);
  } finally {
    // All at once: an open event stream holds the app until the API ends it, or until its grace is over.
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

/**
 * @param {{ origin: string, issuer: string, api: string }} demo
 * @param {{ app: import("./process.mjs").RunningProcess, signal: AbortSignal }} options
 */
async function untilReady({ origin, issuer, api }, { app, signal }) {
  // Whichever comes first; the other one then has nothing left to wait for.
  const ended = new AbortController();
  const giveUp = AbortSignal.any([signal, ended.signal]);
  void app.exited.then(() => ended.abort());
  const missing = await notReady(
    {
      [`the provider (${issuer})`]: `${issuer}/.well-known/openid-configuration`,
      [`the API (${api})`]: `${api}/time`,
      [`the app (${origin})`]: `${origin}/api/auth/providers`,
    },
    { timeoutMs: READY_TIMEOUT_MS, signal: giveUp },
  );
  signal.throwIfAborted();
  if (missing.length === 0) return;
  throw new Error(`Did not come up: ${missing.join(", ")}.\nThe app's last output:\n\n${app.lastOutput()}`);
}

/**
 * A line for each token set: the refresh at the edge is the one thing that no page can show happening.
 *
 * @param {Awaited<ReturnType<typeof startProvider>>} demo
 */
function tellGrants({ provider }) {
  /** @param {string} text */
  const tell = (text) => say(`  provider  ${new Date().toLocaleTimeString("en-GB")}  ${text}`);
  provider.on("grant.success", ({ oidc }) => {
    const isRefresh = oidc.params?.grant_type === "refresh_token";
    tell(isRefresh ? "refresh token used once, new token set given" : "signed in, first token set given");
  });
  provider.on("grant.error", (_ctx, error) => tell(`grant refused: ${error.error}`));
  provider.on("grant.revoked", () => tell("grant revoked"));
}

async function main() {
  const [argument] = process.argv.slice(2);
  const host = HOSTS[argument ?? ""];
  if (!host) {
    const isHelp = argument === "--help" || argument === "-h";
    say(isHelp ? USAGE : `Unknown argument: ${argument}\n\n${USAGE}`);
    return isHelp ? 0 : 1;
  }
  const ending = new AbortController();
  // They stay on: npm passes on the Ctrl-C that the terminal has sent us already.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => ending.abort());
  try {
    await runDemo(host, ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) {
      console.error(error instanceof Error ? error.message : error);
      return 1;
    }
  }
  say("Stopped.");
  return 0;
}

process.exit(await main());
