import { GATEWAY_REQUEST_HEADER } from "../backend/cross-site";
import type { ProblemCode } from "../problem";

/** A gateway's code; a server that is newer than this script may send one that is not in the list. */
export type GatewayErrorCode = ProblemCode | (string & Record<never, never>);

const PROBLEM_TYPE_PREFIX = "urn:edge-token-gateway:problem:";

/** What {@link GatewayError} is made of. */
interface GatewayProblem {
  code: GatewayErrorCode;
  /** One sentence for people. */
  title: string;
  /** HTTP status. */
  status: number;
  retryAfterSeconds: number | null;
}

/** The gateway itself refused or failed: the backend was not asked, or its answer could not be passed on. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  /** The contract to branch on; `docs/errors.md` explains each. */
  readonly code: GatewayErrorCode;
  /** HTTP status. */
  readonly status: number;
  /** When a further try may succeed, seconds from the answer; null when the gateway named no time. */
  readonly retryAfterSeconds: number | null;

  constructor({ code, title, status, retryAfterSeconds }: GatewayProblem) {
    super(title);
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** True when only a new sign-in helps. */
  get needsSignIn(): boolean {
    return this.code === "session_required" || this.code === "session_expired";
  }

  /** True when the same request may succeed later without anybody doing anything. The session is kept meanwhile. */
  get isTransient(): boolean {
    return this.status === 503 || this.status === 504;
  }
}

/**
 * `fetch` for backends behind the gateway, in browser code: `await gatewayFetch("/backend/orders")`.
 *
 * Says with a header that the request is script's own, which no other site can do without a preflight, and lets the
 * session cookie go along. There is no token to hand over: the gateway adds it.
 *
 * @param input - path on this site, with its query
 * @param init - as for `fetch`; `credentials` is always `same-origin`
 * @returns what `fetch` does, the backend's own 4xx and 5xx among it
 * @throws {GatewayError} when the answer is the gateway's own problem (a `HEAD` answer has no body to tell it by)
 * @throws {TypeError} when `input` leads to another origin, where neither header nor body should go; and, as `fetch`
 * does, when the network fails
 */
export async function gatewayFetch(input: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set(GATEWAY_REQUEST_HEADER, "1");
  const response = await fetch(sameOriginUrl(input), { ...init, headers, credentials: "same-origin" });
  const problem = await readProblem(response);
  if (problem) throw new GatewayError(problem);
  return response;
}

/** Resolved here once, so that what is checked is what is fetched: `//host`, `/\host` and `http:host` are absolute too. */
function sameOriginUrl(input: string): string {
  const { href, origin } = location;
  const url = new URL(input, href);
  if (url.origin !== origin) throw new TypeError("gatewayFetch takes paths of this site only, e.g. /backend/orders");
  return url.href;
}

/** The gateway's problem, or null for any other answer, whose body is left unread. */
async function readProblem(response: Response): Promise<GatewayProblem | null> {
  const contentType = response.headers.get("content-type") ?? "";
  if (!/^application\/problem\+json\s*(?:;|$)/i.test(contentType)) return null;
  const body = parseObject(await response.clone().text());
  if (typeof body?.type !== "string" || !body.type.startsWith(PROBLEM_TYPE_PREFIX)) return null;
  const code = body.type.slice(PROBLEM_TYPE_PREFIX.length);
  const title = typeof body.title === "string" ? body.title : code;
  const retryAfter = response.headers.get("retry-after") ?? "";
  const retryAfterSeconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  return { code, title, status: response.status, retryAfterSeconds };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // not ours: the gateway's problems are always JSON
  }
}
