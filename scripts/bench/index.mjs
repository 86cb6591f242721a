import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "@auth/core/jwt";
import { build } from "esbuild";
import { createClient } from "../../tests/support/client.mjs";
import { startFakeBackend } from "../../tests/support/fake-backend.mjs";
import { startFakeProvider } from "../../tests/support/fake-provider.mjs";
import { startNext } from "../../tests/support/next-host.mjs";
import { buildRival } from "./rival.mjs";

/**
 * `npm run bench`: ratios within one run, medians, beside what a user would pick instead: Auth.js's `decode` for the cookie,
 * and for a request Auth.js's `getToken()` with a rewrite in middleware. Needs `npm run build` first.
 */
const root = resolve(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(root, ".size-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const SECRET = "bench-secret-bench-secret-bench-secret";

await benchCookie();
await benchRequests();
await benchRace();

async function benchCookie() {
  const outfile = join(scratch, "sealed.mjs");
  await build({ entryPoints: [join(root, "edge/session/sealed.ts")], bundle: true, format: "esm", outfile });
  const { createKeyRing, open, seal } = await import(pathToFileURL(outfile).href);
  const salt = "authjs.session-token";
  const options = { ring: createKeyRing([SECRET]), salt, nowMs: Date.now() };
  const token = await seal({ sub: "ada", accessToken: "x".repeat(1200) }, { ...options, maxAgeSeconds: 600 });
  const ours = await median(7, () => times(300, () => open(token, options)));
  const authJs = await median(7, () => times(300, () => decode({ token, secret: SECRET, salt })));
  report("open a session cookie (1.2 KB token)", { gateway: ours / 300, "Auth.js decode": authJs / 300 });
}

async function benchRequests() {
  const [provider, backend] = [await startFakeProvider(), await startFakeBackend()];
  backend.state.respond = (_request, response) => response.end("ok");
  const env = settings(provider, backend);
  const [ours, rival] = [await startNext(env), await startNext(env, { cwd: buildRival(root, scratch) })];
  try {
    const user = createClient(ours.origin);
    await user.signIn();
    const headers = { cookie: user.sessionCookie(), "x-gateway-request": "1" };
    const ask = (origin) => () => fetch(`${origin}/backend/x`, { headers }).then((response) => response.arrayBuffer());
    for (const app of [ours, rival]) await times(300, ask(app.origin));
    const [direct, gateway, rewrite] = [[], [], []];
    for (let round = 0; round < 7; round++) {
      direct.push(await times(200, ask(backend.url)));
      gateway.push(await times(200, ask(ours.origin)));
      rewrite.push(await times(200, ask(rival.origin)));
      backend.state.seen.length = 0;
    }
    const each = (values) => middle(values) / 200;
    report("one request to the backend, one at a time", {
      gateway: each(gateway),
      "getToken() and a rewrite": each(rewrite),
      "no gateway at all": each(direct),
    });
  } finally {
    await Promise.all([ours.stop(), rival.stop(), provider.close(), backend.close()]);
  }
}

async function benchRace() {
  const [provider, backend] = [await startFakeProvider(), await startFakeBackend()];
  const app = await startNext(settings(provider, backend));
  try {
    const user = createClient(app.origin);
    provider.state.accessTokenSeconds = 1;
    await user.signIn({ callbackUrl: "/api/auth/csrf" });
    provider.state.accessTokenSeconds = 3600;
    await new Promise((wake) => setTimeout(wake, 1100));
    const cookie = user.sessionCookie();
    const answers = await Promise.all(Array.from({ length: 50 }, () => user.request("/backend/x", { cookie })));
    const good = answers.filter(({ status }) => status === 200).length;
    print(`50 requests with an expired token: ${good} succeed, ${provider.state.attempts} grant`);
    print("  (Auth.js's refresh guide and nextjs-auth0 4.30, measured the same way: 1 succeeds, 50 grants)");
  } finally {
    await Promise.all([app.stop(), provider.close(), backend.close()]);
  }
}

function settings(provider, backend) {
  const oidc = { AUTH_OIDC_ISSUER: provider.issuer, AUTH_OIDC_ID: "app", AUTH_OIDC_SECRET: "app-secret" };
  return { AUTH_SECRET: SECRET, BACKEND_URL: backend.url, ...oidc };
}

/** How long `count` runs take, one after the other, milliseconds. */
async function times(count, run) {
  const startedMs = performance.now();
  for (let i = 0; i < count; i++) await run();
  return performance.now() - startedMs;
}

async function median(rounds, measure) {
  const values = [];
  for (let round = 0; round < rounds; round++) values.push(await measure());
  return middle(values);
}

function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Each beside the first: absolute times depend on the machine, ratios less. */
function report(title, milliseconds) {
  print(title);
  const [[, base]] = Object.entries(milliseconds);
  for (const [name, value] of Object.entries(milliseconds)) {
    print(`  ${name.padEnd(26)} ${(value * 1000).toFixed(0).padStart(6)} µs  ×${(value / base).toFixed(2)}`);
  }
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
