import { ConfigError } from "../problem";
import { parseHttpUrl } from "../settings";
import { isExposable, isForwardable } from "./headers";

/** One backend, as `gateway.config.ts` writes it. */
export interface BackendConfig {
  /** Base URL of the resource server; may have a path. https, or http on a loopback host. */
  url: string | URL | undefined;
  /** What to name in an error about `url`, e.g. the variable it came from. Default: the mount. */
  urlSetting?: string;
  /** Allows http to a host that is not loopback. Cost: everybody on the network between can read the tokens. */
  insecureHttp?: boolean;
  /** Methods that are forwarded. Default GET, HEAD, POST, PUT, PATCH, DELETE. */
  methods?: readonly string[];
  /** More request headers to forward, lower case, e.g. `["x-tenant"]`. */
  forwardHeaders?: readonly string[];
  /** More response headers to let through, lower case. */
  exposeHeaders?: readonly string[];
  /**
   * Allows GET navigations that no page started (typed address, bookmark). Cost: what the backend answers becomes a
   * document of this site's origin; HTML, XML and SVG get a sandbox policy unless the backend sends its own.
   */
  allowNavigation?: boolean;
  /** How long the backend may take until its response headers, milliseconds. Default 30,000. */
  timeoutMs?: number;
}

/** A backend with every choice made. */
export interface Backend {
  mount: string;
  base: URL;
  methods: readonly string[];
  forwardHeaders: readonly string[];
  exposeHeaders: readonly string[];
  allowNavigation: boolean;
  timeoutMs: number;
}

const DEFAULT_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const METHOD = /^[A-Z]+$/;
/** CONNECT and TRACE are not a backend's to answer (RFC 9110 sections 9.3.6 and 9.3.8); fetch refuses them too. */
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Checks and completes the backends of a configuration.
 *
 * @param configs - by mount path, e.g. `/backend/`
 * @throws {ConfigError} naming the variable or option to mend
 */
export function readBackends(configs: Readonly<Record<string, BackendConfig>>): ReadonlyMap<string, Backend> {
  const entries = Object.entries(configs);
  if (entries.length === 0) throw new ConfigError("backends", "must name at least one backend");
  return new Map(entries.map(([mount, config]) => [mount, readBackend(mount, config)]));
}

function readBackend(mount: string, config: BackendConfig): Backend {
  const setting = `backends: ${mount}`;
  if (!/^\/(?:[a-z0-9][a-z0-9_-]*\/)+$/.test(mount)) {
    throw new ConfigError(setting, "must be a lower-case path with a slash at both ends, e.g. /backend/");
  }
  const forwardHeaders = config.forwardHeaders ?? [];
  const exposeHeaders = config.exposeHeaders ?? [];
  const methods = config.methods ?? DEFAULT_METHODS;
  const refused =
    forwardHeaders.find((name) => !isForwardable(name)) ?? exposeHeaders.find((name) => !isExposable(name));
  if (refused !== undefined) throw new ConfigError(setting, `may not pass the header "${refused}"`);
  const method = methods.find((name) => !METHOD.test(name) || FORBIDDEN_METHODS.includes(name));
  if (method !== undefined) throw new ConfigError(setting, `may not take the method "${method}"`);
  return {
    mount,
    base: readBase(config, config.urlSetting ?? setting),
    methods,
    forwardHeaders,
    exposeHeaders,
    allowNavigation: config.allowNavigation ?? false,
    timeoutMs: config.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
}

function readBase(config: BackendConfig, setting: string): URL {
  if (!config.url) throw new ConfigError(setting, "is missing: the base URL of the API to forward to");
  const base = parseHttpUrl(String(config.url), setting, { allowHttp: config.insecureHttp ?? false });
  if (base.search || base.hash) throw new ConfigError(setting, "must not have a query or fragment");
  return base;
}
