import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { startApi } from "../../scripts/demo/api.mjs";
import { startProvider } from "../../scripts/demo/provider.mjs";
import { freePort } from "./listen.mjs";
import { startNext } from "./next-host.mjs";

const AUDIENCE = "https://api.browser-suite.example";
const CLIENT = { id: "browser-suite", secret: "browser-suite-secret-browser-suite" };
const NAVIGATION_TIMEOUT_MS = 20_000;

/** The pages of the example app. */
export const PAGES = /** @type {const} */ ([
  "/",
  "/server-example",
  "/client-example",
  "/api-example",
  "/middleware-example",
]);

/**
 * Debian's Chromium, without a screen, without its own network traffic.
 *
 * @returns {Promise<import("playwright-core").Browser>}
 */
export function launchChromium() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * The app on `next start` with the demo's real provider (rotation on, reuse ends the grant) and verifying API.
 *
 * @param {{ accessTokenTtlSeconds?: number }} [options]
 * @returns `tokens`: every one that was given, to look for; `controls.tokenDelayMs`: how slow the token endpoint is
 */
export async function startRealWorld({ accessTokenTtlSeconds = 300 } = {}) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  /** Every token that was ever given, by kind. @type {{ access: Set<string>, refresh: Set<string>, id: Set<string> }} */
  const tokens = { access: new Set(), refresh: new Set(), id: new Set() };
  const controls = { tokenDelayMs: 0 };
  const provider = await startProvider({
    audience: AUDIENCE,
    accessTokenTtlSeconds,
    clients: [{ ...CLIENT, redirectUris: [`${origin}/api/auth/callback/oidc`] }],
    onTokenRequest: () => sleep(controls.tokenDelayMs),
    onGrant: ({ ctx }) => {
      tokens.access.add(ctx.body.access_token);
      tokens.refresh.add(ctx.body.refresh_token);
      if (ctx.body.id_token) tokens.id.add(ctx.body.id_token);
    },
  });
  const api = await startApi({ issuer: provider.issuer, audience: AUDIENCE });
  const app = await startNext({
    PORT: String(port),
    AUTH_URL: origin,
    AUTH_SECRET: "browser-suite-secret-browser-suite-secret",
    AUTH_OIDC_ISSUER: provider.issuer,
    AUTH_OIDC_ID: CLIENT.id,
    AUTH_OIDC_SECRET: CLIENT.secret,
    BACKEND_URL: api.url,
  });
  const close = async () => {
    await app.stop();
    await Promise.all([provider.close(), api.close()]);
  };
  return { origin, provider, api, tokens, controls, log: app.log, close };
}

/**
 * A visitor: cookies of their own, relative paths go to the app.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions & { baseURL: string }} options
 */
export async function newVisitor(browser, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(NAVIGATION_TIMEOUT_MS);
  return context;
}

/**
 * Signs in as a person does: the home page's button, the provider's form. The page is at the app's home afterwards.
 *
 * @param {import("playwright-core").Page} page
 * @param {{ login?: string, at?: string }} [options]
 */
export async function signInByHand(page, { login = "ada", at = "/" } = {}) {
  await page.goto(at);
  await page.getByTestId("sign-in").click();
  await fillProviderForm(page, login);
  await page.getByTestId("user-name").waitFor();
}

/**
 * The cookies of somebody who has just signed in, for `newVisitor`'s `storageState`.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {{ baseURL: string, login?: string }} options
 */
export async function signedInState(browser, { baseURL, login = "ada" }) {
  const context = await newVisitor(browser, { baseURL });
  await signInByHand(await context.newPage(), { login });
  const state = await context.storageState();
  await context.close();
  return state;
}

/**
 * The demo provider's page: who are you.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} [login]
 */
export async function fillProviderForm(page, login = "ada") {
  await page.getByLabel("Login name").fill(login);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/**
 * What playwright's context knows of the session cookie, its chunks in order.
 *
 * @param {import("playwright-core").BrowserContext} context
 */
export async function sessionCookies(context) {
  const cookies = await context.cookies();
  return cookies.filter(({ name }) => name.includes("session-token"));
}

/**
 * Serves `edge/` to the pages as modules, so that the helper is used as an app's own script would:
 * `import("/__edge/client/gateway-fetch")`.
 *
 * @param {import("playwright-core").BrowserContext} context
 */
export async function serveEdgeModules(context) {
  const root = new URL("../../edge/", import.meta.url);
  await context.route("**/__edge/**", async (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^\/__edge\//, "");
    const source = await readFile(new URL(`${path}.ts`, root), "utf8");
    await route.fulfill({ contentType: "text/javascript", body: stripTypeScriptTypes(source) });
  });
}
