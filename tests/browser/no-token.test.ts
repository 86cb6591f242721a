import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../gateway/world";
import {
  launchChromium,
  newVisitor,
  PAGES,
  sessionCookies,
  signInByHand,
  startRealWorld,
} from "../support/browser.mjs";
import { findTokens } from "../support/find-tokens.mjs";
import { recordContext } from "../support/recording.mjs";

/** Short: a refresh happens while the tour lasts, and its answers are looked at too. */
const ACCESS_TOKEN_SECONDS = 4;
const READY_SELECTOR: Record<(typeof PAGES)[number], string> = {
  "/": "[data-testid=generation]",
  "/server-example": "[data-testid=server-answer]",
  "/client-example": "[data-testid=session-json]",
  "/api-example": "[data-testid=api-call]",
  "/middleware-example": "[data-testid=session-json]",
};

describe("a tour of all pages", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let context: BrowserContext;
  let record: ReturnType<typeof recordContext>;
  let texts: string[];

  beforeAll(async () => {
    [browser, world] = await Promise.all([
      launchChromium(),
      startRealWorld({ accessTokenTtlSeconds: ACCESS_TOKEN_SECONDS }),
    ]);
    context = await newVisitor(browser, { baseURL: world.origin });
    record = recordContext(context);
    const page = await context.newPage();
    await signInByHand(page);
    await tour(page);
    texts = await record.texts();
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });

  /** Each page by its address and by a click, everything on it used, through a refresh to the sign-out. */
  async function tour(page: Page): Promise<void> {
    for (const path of PAGES) {
      await page.goto(path);
      await page.locator(READY_SELECTOR[path]).waitFor();
      if (path === "/") await page.getByTestId("backend-send").click();
      if (path === "/") await page.getByText("Status 200").waitFor();
      if (path === "/api-example") await page.getByTestId("api-call").click();
      if (path === "/api-example") await page.getByTestId("api-answer").waitFor();
      await record.keepPage(page);
    }
    for (const name of ["Server", "Client", "API", "Middleware", "Home"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.locator("nav [aria-current=page]", { hasText: name }).waitFor();
      await record.keepPage(page);
    }
    const before = world.provider.stats.grants.refresh_token;
    await page.goto("/");
    await until(() => world.provider.stats.grants.refresh_token > before);
    for (const path of ["/api/auth/session", "/api/auth/providers", "/api/auth/csrf", "/backend/a%2fb", "/nowhere"]) {
      await page.evaluate((target) => fetch(target).then((response) => response.text()), path);
    }
    await record.keepPage(page);
    await page.getByTestId("sign-out").click();
    await page.getByText("Not signed in", { exact: true }).waitFor();
    await record.keepPage(page);
  }

  it("gives the browser no access, refresh or ID token: in no answer, header, page, store or console", () => {
    const { access, refresh, id } = world.tokens;
    // What is looked for is what the API got: else the test would look for the wrong thing and find nothing.
    const bearers = world.api.requests.map(({ headers }) => headers.authorization?.replace("Bearer ", "") ?? "");
    expect(bearers.length).toBeGreaterThan(2);
    for (const bearer of bearers) expect(access).toContain(bearer);
    for (const kind of [access, refresh, id]) expect(kind.size).toBeGreaterThan(1);
    expect(findTokens(texts, [...access, ...refresh, ...id])).toEqual([]);
  });

  it("has looked: the recording holds the bodies, headers, scripts and pages of the tour", () => {
    expect(record.bodies()).toBeGreaterThan(30);
    const all = texts.join("\n");
    // From an answer's body, a request's header, an answer's header, a script, the page's text, the RSC payload.
    for (const part of ["•••• (", "cookie: authjs", "set-cookie: authjs", "x-gateway-request", '"text":"', "$Sreact"]) {
      expect(all).toContain(part);
    }
    const [cookie] = [...all.matchAll(/authjs\.session-token(?:\.0)?=([\w-]{40,})/g)];
    expect(findTokens(texts, [cookie?.[1] ?? ""])).not.toEqual([]);
  });

  it("sends no Authorization header from the browser, anywhere", () => {
    const paths = record.requests.map(({ url }) => new URL(url).pathname);
    expect(paths).toContain("/backend/echo");
    expect(record.requests.filter(({ headers }) => "authorization" in headers)).toEqual([]);
  });

  it("leaves nothing in the cookie jar or the log either", async () => {
    expect(await sessionCookies(context)).toEqual([]);
    const { access, refresh, id } = world.tokens;
    expect(findTokens([world.log()], [...access, ...refresh, ...id])).toEqual([]);
  });
});
