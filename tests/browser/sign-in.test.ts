import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  fillProviderForm,
  launchChromium,
  newVisitor,
  sessionCookies,
  signInByHand,
  startRealWorld,
} from "../support/browser.mjs";

describe("sign-in and sign-out in Chromium", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    [browser, world] = await Promise.all([launchChromium(), startRealWorld()]);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });
  beforeEach(async () => {
    context = await newVisitor(browser, { baseURL: world.origin });
    page = await context.newPage();
  });
  afterEach(() => context.close());

  const isSignedOut = (tab: Page) => tab.getByText("Not signed in", { exact: true }).waitFor();

  /** The API is asked by hand, with a cookie that somebody kept. */
  const withCookie = (cookie: string) =>
    fetch(`${world.origin}/backend/echo`, { headers: { cookie, "sec-fetch-site": "same-origin" } });

  const cookieHeader = async () =>
    (await sessionCookies(context)).map(({ name, value }) => `${name}=${value}`).join("; ");

  /** Presses Tab until the focus is where it should be, as somebody without a mouse does. */
  async function tabTo(name: string): Promise<void> {
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      if ((await page.locator(":focus").textContent()) === name) return;
    }
    throw new Error(`Tab never reaches ${name}`);
  }

  it("signs in at the provider from the home page and shows who is signed in", async () => {
    await page.goto("/");
    await isSignedOut(page);
    await signInByHand(page, { login: "grace" });
    expect(await page.getByTestId("user-name").textContent()).toBe("Grace Hopper");
    expect(page.url()).toBe(`${world.origin}/`);
  });

  it("keeps the session in one HttpOnly cookie that script can't see", async () => {
    await signInByHand(page);
    const cookies = await sessionCookies(context);
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) {
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", domain: "localhost" });
    }
    expect(await page.evaluate(() => document.cookie)).toBe("");
  });

  it("signs out in every tab, and nothing of the session is left in the cookie jar", async () => {
    await signInByHand(page);
    const [watching, idle] = [await context.newPage(), await context.newPage()];
    await watching.goto("/");
    await watching.getByTestId("generation").waitFor();
    await idle.goto("/server-example");
    await idle.getByTestId("user-name").waitFor();

    await page.getByTestId("sign-out").click();
    await isSignedOut(page);
    await page.getByTestId("sign-in").waitFor();
    // This one notices by itself; a page without a live view does at its next step.
    await isSignedOut(watching);
    await idle.getByRole("link", { name: "API" }).click();
    await idle.waitForURL("**/api-example");
    await idle.reload();
    await isSignedOut(idle);
    expect(await sessionCookies(context)).toEqual([]);
    expect(await idle.evaluate(() => fetch("/backend/echo").then(({ status }) => status))).toBe(401);
  });

  it("signs in and out with the keyboard alone", async () => {
    await page.goto("/");
    await tabTo("Sign in");
    await page.keyboard.press("Enter");
    await page.getByLabel("Login name").waitFor();
    // The provider's page puts the focus into its field; Enter in a field sends its form.
    await page.keyboard.press("Enter");
    await page.getByTestId("user-name").waitFor();
    await tabTo("Send");
    await page.keyboard.press("Enter");
    await page.getByText("Status 200").waitFor();
    await page.reload();
    await tabTo("Sign out");
    await page.keyboard.press("Enter");
    await isSignedOut(page);
  });

  it("signs in and out without any script", async () => {
    const plain = await newVisitor(browser, { baseURL: world.origin, javaScriptEnabled: false });
    try {
      const tab = await plain.newPage();
      await signInByHand(tab, { login: "alan" });
      expect(await tab.getByTestId("user-name").textContent()).toBe("Alan Turing");
      await tab.getByTestId("sign-out").click();
      await isSignedOut(tab);
    } finally {
      await plain.close();
    }
  });

  it("ends the session with the Server Action: the old cookie gets 401, and no cache keeps the answer", async () => {
    await signInByHand(page);
    const kept = await cookieHeader();
    expect((await withCookie(kept)).status).toBe(200);
    const { revoked } = world.provider.stats;
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await page.getByTestId("sign-out").click();
    const headers = await (await answered).allHeaders();
    expect(headers["set-cookie"]).toMatch(/authjs\.session-token=;.*(?:Max-Age=0|Expires=Thu, 01 Jan 1970)/i);
    expect(headers["cache-control"]?.split(", ")).toEqual(expect.arrayContaining(["private", "no-store"]));
    await isSignedOut(page);

    const seen = world.api.requests.length;
    const refused = await withCookie(kept);
    expect([refused.status, (await refused.json()).code]).toEqual([401, "session_expired"]);
    expect(world.api.requests).toHaveLength(seen);
    expect(world.provider.stats.revoked).toBeGreaterThan(revoked);
  });

  it("stays signed in as nobody when the user cancels at the provider, and a second try works", async () => {
    await page.goto("/");
    await page.getByTestId("sign-in").click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForURL(`${world.origin}/**`);
    expect(await sessionCookies(context)).toEqual([]);
    await signInByHand(page, { login: "katherine" });
    expect(await page.getByTestId("user-name").textContent()).toBe("Katherine Johnson");
  });

  it("signs a second person in after the first, and the API sees the second", async () => {
    await signInByHand(page, { login: "ada" });
    await page.getByTestId("sign-out").click();
    await isSignedOut(page);
    await page.getByTestId("sign-in").click();
    await fillProviderForm(page, "grace");
    await page.getByTestId("user-name").waitFor();
    await page.getByTestId("backend-send").click();
    await page.getByText("Status 200").waitFor();
    expect(await page.getByTestId("backend-answer").textContent()).toContain('"sub": "grace"');
  });
});
