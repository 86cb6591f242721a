import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { installTools } from "./tools.mjs";

/**
 * `npm test`: installs what npm can't bring, checks the code, builds each host once, runs every suite on them, and ends
 * with a line of its own, `N passed, N failed`, counted from vitest's report. `npm test -- edge node` runs only these
 * projects of `vitest.config.ts`.
 */
const root = resolve(import.meta.dirname, "../..");
const report = join(mkdtempSync(join(tmpdir(), "gateway-test-")), "report.json");

/** Stages in order: each build replaces the one before it, so its suites run right after it. */
const STAGES = [
  { prepare: ["npm", "run", "check"], projects: ["edge", "node"] },
  { prepare: ["node", "scripts/build.mjs"], projects: ["next", "browser"] },
  { prepare: ["npm", "run", "cf:build"], projects: ["workerd"] },
];

const wanted = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };

await installTools();
for (const { prepare, projects } of STAGES) {
  const selected = projects.filter((project) => wanted.length === 0 || wanted.includes(project));
  if (selected.length === 0) continue;
  if (run(prepare) !== 0) {
    process.stdout.write(`\n${prepare.join(" ")} failed\n`);
    totals.failed += 1;
    continue;
  }
  for (const project of selected) test(project);
}
rmSync(join(report, ".."), { recursive: true, force: true });
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed${skipped}\n`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

/** Runs the suites of a project and adds up what the report says; a run without a report is a failure. */
function test(project) {
  rmSync(report, { force: true });
  const selection = ["--project", project];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const status = run(["node", "node_modules/vitest/vitest.mjs", "run", ...selection, ...reporters]);
  const counted = readReport();
  totals.passed += counted.numPassedTests;
  totals.skipped += counted.numPendingTests;
  // A file that does not load, or an error outside any test, fails the run without failing a test.
  totals.failed += counted.numFailedTests || (status === 0 ? 0 : 1);
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
  }
}

function run([command, ...args]) {
  const file = command === "node" ? process.execPath : command;
  return spawnSync(file, args, { cwd: root, stdio: "inherit" }).status;
}
