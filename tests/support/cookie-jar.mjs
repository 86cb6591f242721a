/** RFC 6265bis section 5.6: what browsers drop. */
const MAX_NAME_AND_VALUE_BYTES = 4096;
const MAX_ATTRIBUTE_BYTES = 1024;

/**
 * @typedef {object} Cookie
 * @property {string} name
 * @property {string} value
 * @property {string} domain - lower case
 * @property {boolean} hostOnly
 * @property {string} path
 * @property {number} expiresAtMs - infinite for a session cookie
 * @property {boolean} secure
 * @property {boolean} httpOnly
 * @property {string | undefined} sameSite
 */

/**
 * A browser's cookie jar for one user (RFC 6265bis): host, path, expiry, prefixes and size count, the port does not.
 * Not modelled: SameSite (every request is taken for the user's own navigation) and public suffixes.
 */
export class CookieJar {
  /** @type {Map<string, Cookie>} */
  #cookies = new Map();
  #now;

  /** Cookies that a browser would have dropped without a word: `name` and why. @type {{ name: string, reason: string }[]} */
  dropped = [];

  /** @param {{ now?: () => number }} [options] - `now`: milliseconds since 1970 */
  constructor({ now = Date.now } = {}) {
    this.#now = now;
  }

  /**
   * The `Cookie` header for a request, or null.
   *
   * @param {string | URL} url
   */
  header(url) {
    const pairs = this.cookies(url).map(({ name, value }) => `${name}=${value}`);
    return pairs.length > 0 ? pairs.join("; ") : null;
  }

  /**
   * The cookies that go to a URL, longest path first; without a URL all that are alive.
   *
   * @param {string | URL} [url]
   * @returns {Cookie[]}
   */
  cookies(url) {
    const alive = [...this.#cookies.values()].filter(({ expiresAtMs }) => expiresAtMs > this.#now());
    const target = url === undefined ? null : new URL(url);
    const sent = target ? alive.filter((cookie) => isSentTo(cookie, target)) : alive;
    return sent.sort((a, b) => b.path.length - a.path.length);
  }

  /**
   * Takes the Set-Cookie lines of a response, as a browser does.
   *
   * @param {string | URL} url - where the response came from
   * @param {readonly string[]} lines - `headers.getSetCookie()`
   */
  store(url, lines) {
    for (const line of lines) {
      const cookie = parse(line, new URL(url), this.#now());
      if ("reason" in cookie) {
        this.dropped.push(cookie);
        continue;
      }
      const key = `${cookie.domain};${cookie.path};${cookie.name}`;
      if (cookie.expiresAtMs <= this.#now()) this.#cookies.delete(key);
      else this.#cookies.set(key, cookie);
    }
  }

  /** Another jar with the same cookies: a second tab's view before it hears of a change. */
  clone() {
    const copy = new CookieJar({ now: this.#now });
    copy.#cookies = new Map(this.#cookies);
    return copy;
  }
}

/**
 * @param {string} line
 * @param {URL} url
 * @param {number} nowMs
 * @returns {Cookie | { name: string, reason: string }}
 */
function parse(line, url, nowMs) {
  const [pair = "", ...rest] = line.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, Math.max(equals, 0)).trim();
  const value = pair.slice(equals + 1).trim();
  const attributes = attributesOf(rest);
  const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase();
  const path = attributes.get("path");
  const cookie = {
    name,
    value,
    domain: domain || url.hostname,
    hostOnly: !domain,
    path: path?.startsWith("/") ? path : defaultPath(url.pathname),
    expiresAtMs: expiry(attributes, nowMs),
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    sameSite: attributes.get("samesite")?.toLowerCase(),
  };
  const reason = reasonToDrop(cookie, url);
  return reason ? { name, reason } : cookie;
}

/** @param {string[]} parts */
function attributesOf(parts) {
  /** @type {Map<string, string>} */
  const attributes = new Map();
  for (const part of parts) {
    const equals = part.indexOf("=");
    const key = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? "" : part.slice(equals + 1).trim();
    if (Buffer.byteLength(value) <= MAX_ATTRIBUTE_BYTES) attributes.set(key, value);
  }
  return attributes;
}

/**
 * Max-Age wins over Expires; what can't be read is as if it were not there.
 *
 * @param {Map<string, string>} attributes
 * @param {number} nowMs
 */
function expiry(attributes, nowMs) {
  const maxAge = attributes.get("max-age") ?? "";
  if (/^-?\d+$/.test(maxAge)) return Number(maxAge) > 0 ? nowMs + Number(maxAge) * 1000 : Number.NEGATIVE_INFINITY;
  const expires = Date.parse(attributes.get("expires") ?? "");
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
}

/**
 * @param {Cookie} cookie
 * @param {URL} url
 * @returns {string | null}
 */
function reasonToDrop(cookie, url) {
  const { name, value, secure, httpOnly, path, hostOnly } = cookie;
  const bytes = Buffer.byteLength(name) + Buffer.byteLength(value);
  if (bytes > MAX_NAME_AND_VALUE_BYTES) return `${bytes} bytes: more than ${MAX_NAME_AND_VALUE_BYTES}`;
  if (name === "") return "no name";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(name + value)) return "control character";
  if (!hostOnly && !domainMatches(url.hostname, cookie.domain)) return "foreign domain";
  if (secure && url.protocol !== "https:") return "Secure over http";
  const lower = name.toLowerCase();
  if (lower.startsWith("__secure-") && !secure) return "__Secure- without Secure";
  if (lower.startsWith("__host-") && !(secure && hostOnly && path === "/")) return "__Host- that is not of one host";
  if (/^__(host-)?http-/.test(lower) && !(secure && httpOnly)) return "__Http- without HttpOnly";
  return null;
}

/**
 * @param {Cookie} cookie
 * @param {URL} url
 */
function isSentTo(cookie, url) {
  const host = cookie.hostOnly ? cookie.domain === url.hostname : domainMatches(url.hostname, cookie.domain);
  const path =
    url.pathname === cookie.path ||
    url.pathname.startsWith(cookie.path.endsWith("/") ? cookie.path : `${cookie.path}/`);
  return host && path && (!cookie.secure || url.protocol === "https:");
}

/**
 * @param {string} host
 * @param {string} domain
 */
function domainMatches(host, domain) {
  const isAddress = /^[\d.]+$|^\[/.test(host);
  return host === domain || (!isAddress && domain.includes(".") && host.endsWith(`.${domain}`));
}

/** @param {string} path */
function defaultPath(path) {
  const lastSlash = path.lastIndexOf("/");
  return lastSlash > 0 ? path.slice(0, lastSlash) : "/";
}
