import { text as readText } from "node:stream/consumers";

const NAMES = new Map([
  ["ada", "Ada Lovelace"],
  ["alan", "Alan Turing"],
  ["grace", "Grace Hopper"],
  ["katherine", "Katherine Johnson"],
]);

const MAX_FORM_CHARACTERS = 2000;

/**
 * The made-up person behind a login name.
 *
 * @param {string} login
 * @returns {{ sub: string, name: string, preferred_username: string, email: string, email_verified: boolean }}
 */
export function claimsFor(login) {
  const name =
    NAMES.get(login) ?? login.replace(/(^|[._-])([a-z])/g, (_, gap, letter) => (gap && " ") + letter.toUpperCase());
  return { sub: login, name, preferred_username: login, email: `${login}@example.test`, email_verified: true };
}

/**
 * Shows and takes the one page of the demo provider: who are you, and may this app act for you. Both answers come with
 * one click.
 *
 * @param {import("oidc-provider").Provider} provider
 * @param {{ audience: string, resourceScope: string }} resource - what the consent covers besides OpenID scopes
 * @returns {(req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => Promise<void>}
 */
export function interactionPages(provider, resource) {
  return async (req, res) => {
    const interaction = await provider.interactionDetails(req, res).catch(() => null);
    if (!interaction)
      return sendPage(res, 400, messagePage("This sign-in has expired. Go back to the app and start again."));
    const { params, session } = interaction;
    if (req.method !== "POST") {
      const app = String(params.client_id);
      return sendPage(
        res,
        200,
        loginPage({ app, scope: String(params.scope ?? ""), login: session?.accountId ?? "ada" }),
      );
    }
    const form = new URLSearchParams((await readText(req)).slice(0, MAX_FORM_CHARACTERS));
    if (form.has("cancel")) {
      return provider.interactionFinished(req, res, {
        error: "access_denied",
        error_description: "Cancelled by the user",
      });
    }
    const accountId = normaliseLogin(form.get("login"));
    if (!accountId) {
      return sendPage(
        res,
        400,
        messagePage("A login name has letters, digits, dots and dashes. Go back and try again."),
      );
    }
    const grantId = await grantEverything(provider, { accountId, params, resource });
    await provider.interactionFinished(req, res, { login: { accountId }, consent: { grantId } });
  };
}

/** @param {string | null} login */
function normaliseLogin(login) {
  const name = (login ?? "").trim().toLowerCase();
  return /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? name : null;
}

/**
 * @param {import("oidc-provider").Provider} provider
 * @param {{ accountId: string, params: any, resource: { audience: string, resourceScope: string } }} consent
 * @returns {Promise<string>} the grant's id
 */
async function grantEverything(provider, { accountId, params, resource }) {
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(resource.audience, resource.resourceScope);
  return grant.save();
}

/** @param {{ app: string, scope: string, login: string }} options */
function loginPage({ app, scope, login }) {
  const mayStay = scope.split(" ").includes("offline_access");
  return page(`
    <h1>Sign in</h1>
    <p>Demo provider on your own machine: any login name is right, and there is no password.</p>
    <form method="post">
      <label for="login">Login name</label>
      <input id="login" name="login" value="${escapeHtml(login)}" required autofocus autocomplete="off"
        autocapitalize="none" spellcheck="false" maxlength="32" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*">
      <p id="consent"><b>${escapeHtml(app)}</b> will read your name and e-mail address and call the demo API for
        you${mayStay ? ", also while you are away" : ""}.</p>
      <button aria-describedby="consent">Sign in</button>
      <button name="cancel" value="1" formnovalidate class="quiet">Cancel</button>
    </form>`);
}

/** @param {string} message */
export function messagePage(message) {
  return page(`<h1>That did not work</h1><p>${escapeHtml(message)}</p>`);
}

/** @param {string} body */
function page(body) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo provider</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 24rem; margin: 12vh auto; padding: 0 1rem }
  header { font-size: .875rem; letter-spacing: .04em; text-transform: uppercase; opacity: .75 }
  h1 { margin: .25rem 0 1rem }
  label { display: block; font-weight: 600 }
  input, button { box-sizing: border-box; width: 100%; margin-top: .5rem; padding: .6rem .75rem; font: inherit;
    border: 1px solid #777; border-radius: .375rem }
  button { background: #1d4ed8; border-color: #1d4ed8; color: #fff; font-weight: 600; cursor: pointer }
  button.quiet { background: none; border-color: transparent; color: inherit; font-weight: 400 }
  :focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px }
</style>
<header>Demo provider</header>
<main>${body}</main>
</html>
`;
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * @param {import("node:http").ServerResponse} res
 * @param {number} status
 * @param {string} html
 */
function sendPage(res, status, html) {
  res.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    // No form-action: Chrome applies it to the redirects behind the form too, and those lead back to the app.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  });
  res.end(html);
}
