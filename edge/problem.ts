/** How loud a problem is in the log: `error` needs a person, `warn` is worth a graph, `info` is somebody's expected day. */
export type LogLevel = "error" | "warn" | "info";

interface ProblemKind {
  status: number;
  title: string;
  level: LogLevel;
  /** Seconds for `Retry-After`, on problems that pass by themselves. */
  retryAfterSeconds?: number;
}

/**
 * Every answer of the gateway's own that is not a success. The `code` is the contract: it never changes its meaning,
 * and callers branch on it, not on the status or the title.
 */
const kinds = {
  session_required: { status: 401, title: "Sign in to call this backend.", level: "info" },
  session_expired: { status: 401, title: "The session has ended. Sign in again.", level: "info" },
  cross_site: { status: 403, title: "Only this site's own pages may call this backend.", level: "warn" },
  bad_path: { status: 400, title: "The path is not in its canonical form.", level: "warn" },
  method_not_allowed: { status: 405, title: "This backend does not take this method.", level: "info" },
  body_too_large: { status: 413, title: "The request body is larger than this host can forward.", level: "info" },
  client_closed: { status: 499, title: "The client went away before the answer.", level: "info" },
  upgrade_unsupported: { status: 501, title: "This host can't forward WebSocket upgrades.", level: "info" },
  upstream_redirect: { status: 502, title: "The backend redirected outside its own base URL.", level: "warn" },
  upstream_unreachable: { status: 502, title: "The backend can't be reached.", level: "error" },
  upstream_timeout: { status: 504, title: "The backend took too long to answer.", level: "error" },
  provider_unavailable: {
    status: 503,
    title: "The sign-in provider can't refresh the session now. Try again.",
    level: "error",
    retryAfterSeconds: 2,
  },
  ledger_unavailable: {
    status: 503,
    title: "The session store can't be reached now. Try again.",
    level: "error",
    retryAfterSeconds: 2,
  },
  misconfigured: { status: 503, title: "The gateway is not configured.", level: "error", retryAfterSeconds: 60 },
  internal_error: { status: 500, title: "The gateway failed.", level: "error" },
} as const satisfies Record<string, ProblemKind>;

/** The closed set of the gateway's error codes; `docs/errors.md` explains each. */
export type ProblemCode = keyof typeof kinds;

/** Settings that the gateway can't run with. The message names the variable or option to mend, never its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The variable or option to mend, e.g. `AUTH_URL`. */
  readonly setting: string;

  constructor(setting: string, expectation: string) {
    super(`${setting} ${expectation}`);
    this.setting = setting;
  }
}

/** What is known of a problem beyond its code. Nothing here may come from a token, a cookie or an upstream's body. */
export interface ProblemDetails {
  /** One sentence for the caller, RFC 9457 `detail`. */
  detail?: string;
  /** Overrides the kind's `Retry-After`, in seconds. */
  retryAfterSeconds?: number;
  /** More response headers, e.g. `Allow`. */
  headers?: Record<string, string>;
}

/**
 * A problem as a response: `application/problem+json` (RFC 9457) with a stable `code`.
 *
 * @returns a response that no cache keeps and that no browser takes for a document
 */
export function problemResponse(code: ProblemCode, details: ProblemDetails = {}): Response {
  const kind: ProblemKind = kinds[code];
  const headers = new Headers({
    ...details.headers,
    "content-type": "application/problem+json",
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
  });
  const retryAfterSeconds = details.retryAfterSeconds ?? kind.retryAfterSeconds;
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  const body = {
    type: `urn:edge-token-gateway:problem:${code}`,
    title: kind.title,
    status: kind.status,
    code,
    ...(details.detail === undefined ? {} : { detail: details.detail }),
  };
  return new Response(JSON.stringify(body), { status: kind.status, headers });
}

/** The log level of a problem. */
export function problemLevel(code: ProblemCode): LogLevel {
  return kinds[code].level;
}

/**
 * One line of the gateway's log. Fields are names, codes, counts and durations: never a token, code, cookie, query or
 * upstream body.
 */
export interface LogEvent {
  level: LogLevel;
  /** A stable name, e.g. `refresh_failed` or a problem's code. */
  event: string;
  [field: string]: string | number | boolean | undefined;
}

/** Where the gateway's log lines go; a host passes one. */
export type Log = (event: LogEvent) => void;
