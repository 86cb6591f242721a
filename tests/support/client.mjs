import { CookieJar } from "./cookie-jar.mjs";

/**
 * A browser as far as HTTP goes: a cookie jar, same-origin Fetch Metadata, and redirects followed by hand.
 *
 * @param {string} origin of the app
 */
export function createClient(origin) {
  const jar = new CookieJar();
  /** Everything the browser got, for the tests that look for tokens in it. */
  const received = [];

  async function request(input, init = {}) {
    const url = new URL(input, origin);
    const headers = new Headers(init.headers);
    const cookie = init.cookie ?? jar.header(url);
    if (cookie && !headers.has("cookie")) headers.set("cookie", cookie);
    if (url.origin === origin && !headers.has("sec-fetch-site") && !init.bare)
      headers.set("sec-fetch-site", "same-origin");
    const response = await fetch(url, { redirect: "manual", ...init, headers });
    jar.store(url, response.headers.getSetCookie());
    received.push([...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"));
    return response;
  }

  /** Follows redirects, other origins included, up to ten. */
  async function follow(input, init = {}) {
    let response = await request(input, init);
    let url = new URL(input, origin);
    for (let hops = 0; hops < 10 && response.status >= 300 && response.status < 400; hops++) {
      url = new URL(response.headers.get("location"), url);
      response = await request(url, {});
    }
    return { response, url };
  }

  /** Signs in by Auth.js's own routes, at a provider that asks nothing. */
  async function signIn({ provider = "oidc", callbackUrl = "/" } = {}) {
    const { csrfToken } = await (await request("/api/auth/csrf")).json();
    const body = new URLSearchParams({ csrfToken, callbackUrl });
    return follow(`/api/auth/signin/${provider}`, { method: "POST", body });
  }

  /** The session as the browser sees it. */
  const session = async () => (await request("/api/auth/session")).json();

  /** Signs out by Auth.js's own route. */
  async function signOut() {
    const { csrfToken } = await (await request("/api/auth/csrf")).json();
    return request("/api/auth/signout", { method: "POST", body: new URLSearchParams({ csrfToken, callbackUrl: "/" }) });
  }

  return { jar, received, request, follow, session, signIn, signOut, sessionCookie: () => jar.header(origin) ?? "" };
}
