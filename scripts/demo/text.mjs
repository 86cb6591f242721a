/** What `npm run demo -- --help` says, and what an argument that it does not know gets. */
export const USAGE = `Usage: npm run demo [-- --cloudflare]

Starts a demo OpenID provider, a demo API and this app, signed in to each other. Nothing to configure.

  --cloudflare         the app on workerd (wrangler dev) instead of next start

Environment:
  PORT                 the app, 3000 (8787 on workerd)
  DEMO_PROVIDER_PORT   the provider, 4100
  DEMO_API_PORT        the API, 4200
`;

/**
 * What to do once all is up.
 *
 * @param {{ origin: string, issuer: string, api: string, ttlSeconds: number }} demo
 */
export function welcome({ origin, issuer, api, ttlSeconds }) {
  return `
  Open      ${origin}
  Sign in   with any name, e.g. "ada"; there is no password

  Provider  ${issuer}   access tokens live ${ttlSeconds} seconds, each refresh token works once
  API       ${api}   wants a valid access token for everything

  Where to look, in the browser's developer tools:
    Application > Cookies   authjs.session-token: HttpOnly, and encrypted. Script can't read it, and finds no token in it.
    Network                 the page's requests to /backend/… carry no Authorization header …
    the answer of           … but the API received one: it shows "Bearer ••••", verified, and none of your cookies.
      /backend/echo
    after ${ttlSeconds} seconds        call again: the token was refreshed on the way, and the session's generation has grown.

  Stop      Ctrl-C
`;
}
