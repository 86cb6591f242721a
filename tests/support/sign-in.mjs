import { CookieJar } from "./cookie-jar.mjs";

const MAX_REDIRECTS = 20;
const MAX_FORMS = 4;

/**
 * @typedef {(path: string | URL, init?: RequestInit) => Promise<Response>} BrowserFetch - `fetch` with the jar's cookies.
 *   Follows redirects unless `init.redirect` is "manual". Sends no `Origin` and no Fetch Metadata of its own.
 */

/**
 * A browser without a screen: a cookie jar, and fetch that reads and fills it.
 *
 * @param {{ origin: string, jar?: CookieJar }} options - `origin`: what relative paths are resolved against
 * @returns {{ jar: CookieJar, fetch: BrowserFetch }}
 */
export function createBrowser({ origin, jar = new CookieJar() }) {
  return {
    jar,
    async fetch(path, init = {}) {
      const { redirect = "follow", ...rest } = init;
      let url = new URL(path, origin);
      let request = rest;
      for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const response = await send(jar, url, request);
        const location = redirect === "follow" && isRedirect(response) && response.headers.get("location");
        if (!location) return response;
        await response.body?.cancel();
        // The Fetch standard's rule for 303, and what every browser does for 301 and 302 to a POST.
        if (response.status !== 307 && response.status !== 308) request = withoutBody(request);
        url = new URL(location, url);
      }
      throw new Error(`more than ${MAX_REDIRECTS} redirects, the last one to ${url.origin}${url.pathname}`);
    },
  };
}

/**
 * Signs in through the real pages: Auth.js's sign-in, the provider's login form, the callback.
 *
 * @param {object} options
 * @param {string} options.origin - the app's, e.g. `http://localhost:3000`
 * @param {string} [options.login] - login name at the demo provider
 * @param {string} [options.provider] - Auth.js's id of the provider
 * @param {string} [options.callbackPath] - where to land
 * @param {CookieJar} [options.jar]
 * @returns {Promise<{ jar: CookieJar, fetch: BrowserFetch, landed: string }>} `landed`: the URL of the last page
 * @throws {Error} when it does not end in a signed-in session
 */
export async function signIn({ origin, login = "ada", provider = "oidc", callbackPath = "/", jar }) {
  const browser = createBrowser(jar ? { origin, jar } : { origin });
  const { csrfToken } = await (await expectOk(await browser.fetch("/api/auth/csrf"))).json();
  let response = await browser.fetch(`/api/auth/signin/${provider}`, {
    method: "POST",
    headers: { origin },
    body: new URLSearchParams({ csrfToken, callbackUrl: `${origin}${callbackPath}` }),
  });
  for (let form = 0; form < MAX_FORMS && new URL(response.url).origin !== origin; form++) {
    response = await submitForm(browser.fetch, response, { login });
  }
  const landed = response.url;
  await response.body?.cancel();
  const session = await (await expectOk(await browser.fetch("/api/auth/session"))).json();
  if (!session?.user) throw new Error(`not signed in: landed on ${landed} (${response.status})`);
  return { ...browser, landed };
}

/**
 * @param {CookieJar} jar
 * @param {URL} url
 * @param {RequestInit} init
 */
async function send(jar, url, init) {
  const headers = new Headers(init.headers);
  const cookie = jar.header(url);
  if (cookie) headers.set("cookie", cookie);
  const response = await fetch(url, { ...init, headers, redirect: "manual" });
  jar.store(url, response.headers.getSetCookie());
  return response;
}

/** @param {Response} response */
function isRedirect({ status }) {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * @param {RequestInit} init
 * @returns {RequestInit}
 */
function withoutBody({ body: _, method, headers, ...rest }) {
  const kept = new Headers(headers);
  for (const name of ["content-type", "content-length", "origin"]) kept.delete(name);
  return { ...rest, headers: kept, method: method === "HEAD" ? "HEAD" : "GET" };
}

/**
 * Sends a page's only form as its first button does, with the given fields filled in.
 *
 * @param {BrowserFetch} browserFetch
 * @param {Response} page
 * @param {Record<string, string>} values - for the fields that the form has
 */
async function submitForm(browserFetch, page, values) {
  const html = await page.text();
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) throw new Error(`no form at ${page.url} (${page.status}): ${html.slice(0, 300)}`);
  const fields = new URLSearchParams();
  for (const [, tag = ""] of (form[2] ?? "").matchAll(/<input\b([^>]*)>/gi)) {
    const name = attribute(tag, "name");
    if (name) fields.set(name, values[name] ?? attribute(tag, "value") ?? "");
  }
  const action = new URL(attribute(form[1] ?? "", "action") ?? page.url, page.url);
  return browserFetch(action, { method: "POST", headers: { origin: action.origin }, body: fields });
}

/**
 * @param {string} tag
 * @param {string} name
 */
function attribute(tag, name) {
  return new RegExp(`\\b${name}="([^"]*)"`, "i").exec(tag)?.[1]?.replaceAll("&amp;", "&");
}

/** @param {Response} response */
async function expectOk(response) {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${(await response.text()).slice(0, 300)}`);
  return response;
}
