import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Settings of the gateway and its ledgers: the demo brings its own. */
const SETTING = /^(?:AUTH|NEXTAUTH|UPSTASH|KV|BACKEND|GATEWAY)_/;

/**
 * The environment for a build and for the app: the user's, without settings that would interfere with the demo's.
 *
 * @param {string} root - where Next would read `.env` files
 * @param {NodeJS.ProcessEnv} userEnv
 * @returns {NodeJS.ProcessEnv}
 */
export function appEnvironment(root, userEnv) {
  const kept = Object.entries(userEnv).filter(([name]) => !SETTING.test(name));
  // Next reads `.env` files for what the environment does not say, so it has to say something: the empty string.
  const blank = settingsInFiles(root).map((name) => [name, ""]);
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(blank),
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
  };
}

/**
 * @param {string} root
 * @returns {string[]}
 */
function settingsInFiles(root) {
  const files = readdirSync(root).filter((name) => /^\.env(?:\.(?:local|production|production\.local))?$/.test(name));
  const lines = files
    .filter((name) => existsSync(join(root, name)))
    .flatMap((name) => {
      return readFileSync(join(root, name), "utf8").split("\n");
    });
  const names = lines.map((line) => /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*[=:]/.exec(line)?.[1] ?? "");
  return names.filter((name) => SETTING.test(name));
}
