import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSmallApp } from "./small-app.mjs";

/**
 * `npm run size`: what the gateway adds to the edge bundle. Measures this build's middleware against that of an empty
 * one, built beside it with the same Next, and fails above the budget or when Auth.js's runtime got in.
 */
const BUDGET_BYTES = 25 * 1024;

/** Strings of Auth.js's runtime that survive minification: error types and its documentation's address. */
const AUTH_RUNTIME_MARKS = ["errors.authjs.dev", "CallbackRouteError", "MissingCSRF"];

const root = resolve(import.meta.dirname, "..");
const ours = middlewareSource(root);
const empty = middlewareSource(buildEmpty());
const [oursBytes, emptyBytes] = [ours, empty].map((source) => gzipSync(source, { level: 9 }).length);
const added = oursBytes - emptyBytes;
process.stdout.write(
  `middleware: ${kib(oursBytes)} gzip, an empty one ${kib(emptyBytes)}: the gateway adds ${kib(added)} (budget ${kib(BUDGET_BYTES)})\n`,
);
const marks = AUTH_RUNTIME_MARKS.filter((mark) => ours.includes(mark));
if (marks.length > 0) process.stdout.write(`next-auth runtime in the middleware: ${marks.join(", ")}\n`);
process.exitCode = added > BUDGET_BYTES || marks.length > 0 ? 1 : 0;

/** Every file that a build's middleware loads, joined. */
function middlewareSource(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, ".next/server/middleware-manifest.json"), "utf8"));
  return manifest.middleware["/"].files.map((file) => readFileSync(join(folder, ".next", file), "utf8")).join("\n");
}

function buildEmpty() {
  const folder = mkdtempSync(join(root, ".size-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const middleware = 'import { NextResponse } from "next/server"; export default () => NextResponse.next();';
  buildSmallApp(folder, { root, middleware });
  return folder;
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
