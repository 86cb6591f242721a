import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  fillProviderForm,
  launchChromium,
  newVisitor,
  PAGES,
  signedInState,
  signInByHand,
  startRealWorld,
} from "../support/browser.mjs";

describe("the example pages", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let signedIn: Awaited<ReturnType<typeof signedInState>>;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [browser, world] = await Promise.all([launchChromium(), startRealWorld()]);
    signedIn = await signedInState(browser, { baseURL: world.origin });
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });
  afterEach(() => context.close());

  async function visit(path: string, { as }: { as: "ada" | "nobody" }): Promise<void> {
    context = await newVisitor(browser, {
      baseURL: world.origin,
      ...(as === "ada" && { storageState: signedIn }),
    });
    complaints = [];
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("console", (message) => {
      // Chromium's own line for each 4xx is no complaint of the page's.
      const isStatus = message.text().startsWith("Failed to load resource");
      if (["error", "warning"].includes(message.type()) && !isStatus) complaints.push(message.text());
    });
    page = await context.newPage();
    await page.goto(path);
  }

  const shownSession = async () => JSON.parse((await page.getByTestId("session-json").textContent()) ?? "");

  it("server-example: the server calls the backend with the token, and shows neither token nor cookie", async () => {
    await visit("/server-example", { as: "ada" });
    expect(await shownSession()).toMatchObject({ user: { name: "Ada Lovelace" }, gateway: { provider: "oidc" } });
    await page.getByText("Status 200").waitFor();
    const answer = JSON.parse((await page.getByTestId("server-answer").textContent()) ?? "");
    expect(answer).toMatchObject({ path: "/echo", token: { sub: "ada" } });
    expect(answer.headers).not.toHaveProperty("cookie");
  });

  it("server-example, signed out: no call, and a sign-in", async () => {
    await visit("/server-example", { as: "nobody" });
    const seen = world.api.requests.length;
    expect(await shownSession()).toBeNull();
    await page.getByTestId("sign-in").click();
    await page.getByLabel("Login name").waitFor();
    expect(world.api.requests).toHaveLength(seen);
  });

  it("client-example: useSession shows the session, its button signs out and in again", async () => {
    await visit("/client-example", { as: "nobody" });
    await page.getByText("You are not signed in.").waitFor();
    await page.getByTestId("sign-in").click();
    await page.getByRole("button", { name: "Sign in with OpenID" }).click();
    await fillProviderForm(page, "grace");
    await page.waitForURL("**/client-example");
    await page.getByText("Signed in as Grace Hopper.").waitFor();
    const session = await shownSession();
    expect(Object.keys(session).sort()).toEqual(["expires", "gateway", "user"]);
    expect(Object.keys(session.gateway).sort()).toEqual(["accessTokenExpiresAtSeconds", "generation", "provider"]);
    await page.getByTestId("sign-out").click();
    await page.getByText("You are not signed in.").waitFor();
    await page.getByText("Not signed in", { exact: true }).waitFor();
  });

  it("api-example: 200 with who calls, 401 when nobody does", async () => {
    await visit("/api-example", { as: "ada" });
    await page.getByTestId("api-call").click();
    await page.getByText("Status 200").waitFor();
    const answer = JSON.parse((await page.getByTestId("api-answer").textContent()) ?? "");
    expect(answer).toMatchObject({ user: { name: "Ada Lovelace" }, hasAccessToken: true });
    expect(answer.accessTokenExpiresAtSeconds * 1000).toBeGreaterThan(Date.now());

    await context.clearCookies();
    await page.getByTestId("api-call").click();
    await page.getByText("Status 401").waitFor();
    expect(await page.getByTestId("api-answer").textContent()).toContain("Sign in to use this API.");
  });

  it("middleware-example: sends to the sign-in, and comes back to the same address after it", async () => {
    await visit("/middleware-example?tab=2", { as: "nobody" });
    const { pathname, searchParams } = new URL(page.url());
    expect([pathname, searchParams.get("callbackUrl")]).toEqual(["/api/auth/signin", "/middleware-example?tab=2"]);
    await page.getByRole("button", { name: "Sign in with OpenID" }).click();
    await fillProviderForm(page);
    await page.waitForURL(`${world.origin}/middleware-example?tab=2`);
    expect(await shownSession()).toMatchObject({ user: { name: "Ada Lovelace" } });
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Protected page");
  });

  it("middleware-example: a click in the navigation is asked for a sign-in too", async () => {
    await visit("/", { as: "nobody" });
    await page.getByRole("link", { name: "Middleware" }).click();
    await page.getByRole("button", { name: "Sign in with OpenID" }).click();
    await fillProviderForm(page);
    await page.waitForURL(`${world.origin}/middleware-example`);
    await page.getByTestId("session-json").waitFor();
  });

  it("middleware-example: after the sign-out, neither Back nor a reload shows it", async () => {
    await visit("/", { as: "nobody" });
    await signInByHand(page);
    await page.goto("/middleware-example");
    await page.getByTestId("session-json").waitFor();
    await page.goto("/");
    await page.getByTestId("sign-out").click();
    await page.getByText("Not signed in", { exact: true }).waitFor();
    await page.goto("/middleware-example");
    expect(new URL(page.url()).pathname).toBe("/api/auth/signin");
    await page.goBack();
    await page.goBack();
    await page.waitForURL(/middleware-example/);
    expect(await page.getByTestId("session-json").count()).toBe(0);
  });

  it("never sends off the site after the sign-in, whatever callbackUrl says", async () => {
    await visit("/api/auth/signin?callbackUrl=https%3A%2F%2Fevil.example%2F", { as: "nobody" });
    await page.getByRole("button", { name: "Sign in with OpenID" }).click();
    await fillProviderForm(page);
    await page.getByTestId("user-name").waitFor();
    expect(new URL(page.url()).origin).toBe(world.origin);
  });

  it.each(["ada", "nobody"] as const)("all pages, as %s: no error and no warning in the console", async (as) => {
    await visit("/", { as });
    for (const path of PAGES) {
      await page.goto(path);
      // Hydration is over once React has put its own mark on the page's links; a sign-in page is not React's.
      await page.locator("nav a, form button").first().waitFor();
    }
    expect(complaints).toEqual([]);
  });
});
