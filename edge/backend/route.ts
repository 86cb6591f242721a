/** Where a request goes, told from its raw target: nothing has been decoded, resolved or stripped yet. */
export type Route =
  /** `rest` is the canonical path below the mount, without a leading slash; `query` has its `?`, or is empty. */
  { to: "backend"; mount: string; rest: string; query: string } | { to: "bad_path" } | { to: "elsewhere" };

/** RFC 3986 section 3.3 `pchar` without `;`, whose path parameters some servers cut off before they compare paths. */
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})*$/;

/** After one decoding: separators, `;`, control characters, and anything that a second decoding would change. */
const UNSAFE_DECODED = /[/\\;\p{Cc}]|%[0-9A-Fa-f]{2}/u;

/** RFC 3986 section 2.3: encoding one of these makes a second name for the same path. */
const ENCODED_UNRESERVED = /%(?:2[DdEe]|3\d|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])/;

/**
 * Routes a raw request target among the mounts.
 *
 * A path that would reach a mount after decoding, dot-segment removal, or Next's own rewriting (`.rsc` and
 * `/_next/data/…` name the same page: measured on Next 16.4.6) but is not in canonical form is `bad_path`, never
 * repaired: two parties that repair differently is how paths escape.
 *
 * @param target - path and query as they were on the request line
 * @param mounts - mount paths with leading and trailing slash, e.g. `/backend/`
 */
export function route(target: string, mounts: readonly string[]): Route {
  const queryStart = target.indexOf("?");
  const path = queryStart < 0 ? target : target.slice(0, queryStart);
  const query = queryStart < 0 ? "" : target.slice(queryStart);
  const mount = longestMount(path, mounts);
  if (mount === undefined)
    return longestMount(resolve(path), mounts) === undefined ? { to: "elsewhere" } : { to: "bad_path" };
  const rest = path.slice(mount.length);
  return isCanonical(rest) ? { to: "backend", mount, rest, query } : { to: "bad_path" };
}

function longestMount(path: string, mounts: readonly string[]): string | undefined {
  const matching = mounts.filter((mount) => path.startsWith(mount) || `${path}/` === mount);
  return matching.sort((a, b) => b.length - a.length)[0];
}

/** True for a path below a mount that has exactly one spelling. A trailing slash is part of the name. */
export function isCanonical(rest: string): boolean {
  if (rest === "") return true;
  const segments = rest.split("/");
  return segments.every(
    (segment, index) => isCanonicalSegment(segment) || (segment === "" && index === segments.length - 1),
  );
}

function isCanonicalSegment(segment: string): boolean {
  if (segment === "" || segment === "." || segment === ".." || segment.endsWith(".rsc")) return false;
  if (!SEGMENT.test(segment) || ENCODED_UNRESERVED.test(segment)) return false;
  try {
    return !UNSAFE_DECODED.test(decodeURIComponent(segment));
  } catch {
    return false; // not UTF-8: overlong forms are a classic second spelling of `/` and `.`
  }
}

const MAX_DECODINGS = 3;

/** What the most careless server would take the path for. Only to recognise a mount in disguise, never to forward. */
function resolve(path: string): string {
  let decoded = path;
  for (let i = 0; i < MAX_DECODINGS; i++) decoded = decoded.replace(/%[0-9A-Fa-f]{2}/g, decodeByte);
  const segments: string[] = [];
  for (const segment of decoded.replaceAll("\\", "/").split("/")) {
    const name = segment.split(";")[0] as string;
    if (name === "..") segments.pop();
    else if (name !== "" && name !== ".") segments.push(name);
  }
  const isNextData = segments[0] === "_next" && segments[1] === "data";
  return `/${(isNextData ? segments.slice(3) : segments).join("/")}`.replace(/\.(?:json|rsc)$/, "");
}

function decodeByte(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
}
