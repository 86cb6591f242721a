import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createWorld, until, type World } from "../gateway/world";
import { launchChromium, newVisitor, sessionCookies } from "../support/browser.mjs";
import { nextHost } from "../support/next-host.mjs";

/** From the sign-in's click to the page that is signed in: its form, the provider, the callback, home; and one to spare. */
const MAX_SIGN_IN_NAVIGATIONS = 5;

describe("a session that ends while pages are open", () => {
  let browser: Browser;
  let world: World;
  let context: BrowserContext;
  let page: Page;
  let navigations: string[];

  beforeAll(async () => {
    [browser, world] = await Promise.all([launchChromium(), createWorld(nextHost)]);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });
  beforeEach(async () => {
    world.reset();
    context = await newVisitor(browser, { baseURL: world.app.origin });
    page = await context.newPage();
    navigations = [];
    page.on("request", (request) => {
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) navigations.push(request.url());
    });
  });
  afterEach(() => context.close());

  /** This provider asks nothing: one click signs in. */
  async function signIn({ accessTokenSeconds = 3600 } = {}): Promise<void> {
    world.provider.state.accessTokenSeconds = accessTokenSeconds;
    await page.goto("/");
    await page.getByTestId("sign-in").click();
    await page.getByTestId("user-name").waitFor();
    world.provider.state.accessTokenSeconds = 3600;
  }

  /** The live view's questions do not arrive: what the page shows next comes from what the test does. */
  const silenceLiveView = () => context.route("**/api/auth/session", (route) => route.abort());

  async function send(): Promise<string> {
    await page.getByTestId("backend-send").click();
    await page.locator("[data-testid=backend-status][data-kind]").waitFor();
    return (await page.getByTestId("backend-status").textContent()) ?? "";
  }

  /** Signs in again by the button that is offered; it must not go round in circles. */
  async function signInAgain(testId: string): Promise<void> {
    world.provider.state.mode = "ok";
    navigations = [];
    await page.getByTestId(testId).first().click();
    await page.getByTestId("user-name").waitFor();
    expect(await send()).toBe("Status 200");
    expect(navigations.length).toBeLessThanOrEqual(MAX_SIGN_IN_NAVIGATIONS);
    expect(world.provider.state.reuses).toBe(0);
  }

  it("the home page notices by itself that the provider ended it, offers a sign-in, and that works", async () => {
    world.provider.state.mode = "invalid_grant";
    await signIn({ accessTokenSeconds: 2 });
    await page.getByText("Not signed in", { exact: true }).waitFor();
    await page.getByTestId("sign-in").waitFor();
    expect(await sessionCookies(context)).toEqual([]);
    // The refused token is not tried over and over.
    expect(world.provider.state.attempts).toBe(1);
    await signInAgain("sign-in");
  });

  it("the panel says session_expired, offers a sign-in in its place, and that works", async () => {
    await silenceLiveView();
    world.provider.state.mode = "invalid_grant";
    await signIn({ accessTokenSeconds: 2 });
    const expiredMs = Date.now() + 2000;
    await until(() => Date.now() > expiredMs);
    expect(await send()).toBe("Status 401: session_expired");
    expect(await page.getByTestId("backend-answer").textContent()).toContain("The session has ended. Sign in again.");
    expect(await sessionCookies(context)).toEqual([]);
    expect(world.backend.state.seen).toEqual([]);
    await signInAgain("sign-in-again");
  });

  it("a protected page leads to the sign-in once, and back", async () => {
    await signIn({ accessTokenSeconds: 1 });
    world.provider.state.mode = "invalid_grant";
    await page.goto("about:blank");
    const expiredMs = Date.now() + 1000;
    await until(() => Date.now() > expiredMs);
    navigations = [];
    await page.goto("/middleware-example");
    expect(new URL(page.url()).pathname).toBe("/api/auth/signin");
    expect(navigations).toHaveLength(2);
    world.provider.state.mode = "ok";
    navigations = [];
    await page.getByRole("button", { name: "Sign in with OpenID" }).click();
    await page.waitForURL("**/middleware-example");
    await page.getByTestId("session-json").waitFor();
    expect(navigations.length).toBeLessThanOrEqual(MAX_SIGN_IN_NAVIGATIONS);
  });

  it("a copy of the cookie is of no use after a sign-out elsewhere, and the panel says so", async () => {
    await signIn();
    await silenceLiveView();
    const copy = await newVisitor(browser, {
      baseURL: world.app.origin,
      storageState: await context.storageState(),
    });
    const other = await copy.newPage();
    await other.goto("/");
    await other.getByTestId("sign-out").click();
    await other.getByText("Not signed in", { exact: true }).waitFor();
    await copy.close();
    expect(await send()).toBe("Status 401: session_expired");
    expect(world.backend.state.seen).toEqual([]);
    await signInAgain("sign-in-again");
  });

  it("an outage of the provider is told from an end: still signed in, and it goes on when the provider is back", async () => {
    await silenceLiveView();
    world.provider.state.mode = "500";
    await signIn({ accessTokenSeconds: 2 });
    const before = await sessionCookies(context);
    const expiredMs = Date.now() + 2000;
    await until(() => Date.now() > expiredMs);
    expect(await send()).toBe("Status 503: provider_unavailable");
    const advice = await page.getByTestId("backend-answer").textContent();
    expect(advice).toMatch(/Wait \d+ s first; you stay signed in\./);
    expect(await page.getByTestId("sign-in-again").count()).toBe(0);
    expect(await sessionCookies(context)).toEqual(before);
    await page.reload();
    await page.getByTestId("user-name").waitFor();
    world.provider.state.mode = "ok";
    await until(async () => (await send()) === "Status 200");
    expect(world.provider.state.reuses).toBe(0);
  });

  it("a token that no refresh token can renew asks for a new sign-in on the page", async () => {
    Object.assign(world.provider.state, { override: () => ({ refresh_token: undefined }) });
    await signIn({ accessTokenSeconds: 2 });
    const notice = page.getByRole("alert").filter({ hasText: "gave nothing to renew it with" });
    await notice.waitFor();
    Object.assign(world.provider.state, { override: undefined });
    await signInAgain("sign-in-again");
    await notice.waitFor({ state: "detached" });
  });
});
