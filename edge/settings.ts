import { ConfigError } from "./problem";

/** Environment variables as a host hands them in; the gateway never reads a global environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What the deployment says, apart from the backends and the providers. */
export interface Settings {
  /** The public origin, e.g. `https://app.example`; it alone decides scheme, cookie names and absolute URLs. */
  origin: string;
  /** True when the origin is https: cookies are `Secure` and prefixed. */
  secure: boolean;
  /** The secrets, newest first: the first one seals, all open. */
  secrets: readonly [string, ...string[]];
}

/** Auth.js's `npx auth secret` writes 44 characters; 32 are the 256 bits that the derived keys can't exceed. */
const MIN_SECRET_LENGTH = 32;
const MAX_SECRETS = 10;

/**
 * Reads `AUTH_URL`, `AUTH_SECRET` and `AUTH_SECRET_1`…`_9`.
 *
 * @throws {ConfigError} naming the variable that is missing or malformed
 */
export function readSettings(env: Env): Settings {
  const url = httpUrl(env, "AUTH_URL");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new ConfigError("AUTH_URL", "must be an origin without a path, e.g. https://app.example");
  }
  return { origin: url.origin, secure: url.protocol === "https:", secrets: readSecrets(env) };
}

function readSecrets(env: Env): [string, ...string[]] {
  const names = ["AUTH_SECRET", ...Array.from({ length: MAX_SECRETS - 1 }, (_, i) => `AUTH_SECRET_${i + 1}`)];
  const [first, ...rest] = names.filter((name) => name === "AUTH_SECRET" || env[name]);
  const read = (name: string): string => {
    const secret = env[name];
    if (!secret) throw new ConfigError(name, "is missing: make one with `openssl rand -base64 33`");
    if (secret.length < MIN_SECRET_LENGTH) {
      throw new ConfigError(name, `must have at least ${MIN_SECRET_LENGTH} characters: \`openssl rand -base64 33\``);
    }
    return secret;
  };
  return [read(first ?? "AUTH_SECRET"), ...rest.map(read)];
}

/**
 * A URL from the environment: https, or http on a loopback host (the traffic carries tokens).
 *
 * @param name - the variable's name, e.g. `BACKEND_URL`
 * @throws {ConfigError} naming the variable
 */
export function httpUrl(env: Env, name: string): URL {
  const value = env[name];
  if (!value) throw new ConfigError(name, "is missing");
  return parseHttpUrl(value, name);
}

/**
 * Checks a configured URL as {@link httpUrl} does.
 *
 * @param setting - what to name in the error
 * @param options - `allowHttp`: http to any host
 * @throws {ConfigError}
 */
export function parseHttpUrl(value: string, setting: string, options: { allowHttp?: boolean } = {}): URL {
  const url = parseOrNull(value);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ConfigError(setting, "must be an absolute http(s) URL");
  }
  if (url.username || url.password) throw new ConfigError(setting, "must not hold a user name or password");
  if (url.protocol === "http:" && !options.allowHttp && !isLoopback(url.hostname)) {
    throw new ConfigError(setting, "must be https: http is for loopback hosts only");
  }
  return url;
}

function parseOrNull(value: string): URL | null {
  try {
    return new URL(value);
  } catch {
    return null;
  }
}

/** RFC 6761 section 6.3 for `localhost`, RFC 5735 for 127/8, RFC 4291 for `::1`. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}
