import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../gateway/world";
import { launchChromium, newVisitor, signInByHand, startRealWorld } from "../support/browser.mjs";

const ACCESS_TOKEN_SECONDS = 5;
const REQUESTS_PER_TAB = 20;

describe("a token that expires while pages are open", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    [browser, world] = await Promise.all([
      launchChromium(),
      startRealWorld({ accessTokenTtlSeconds: ACCESS_TOKEN_SECONDS }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });
  beforeEach(async () => {
    context = await newVisitor(browser, { baseURL: world.origin });
    page = await context.newPage();
    await signInByHand(page);
  });
  afterEach(async () => {
    world.controls.tokenDelayMs = 0;
    await context.close();
  });

  const generation = async () => Number(await page.getByTestId("generation").textContent());
  const grants = () => world.provider.stats.grants.refresh_token;

  /** The API example asks for nothing by itself: what expires there stays so until somebody asks. */
  async function expire(): Promise<void> {
    await page.goto("/api-example");
    let expiresAtMs = 0;
    // A fresh one: a token that is due would be renewed behind this question.
    await until(async () => {
      const { gateway } = await page.evaluate(() => fetch("/api/auth/session").then((answer) => answer.json()));
      expiresAtMs = gateway.accessTokenExpiresAtSeconds * 1000;
      return expiresAtMs - Date.now() > (ACCESS_TOKEN_SECONDS * 1000) / 2;
    });
    await until(() => Date.now() > expiresAtMs);
  }

  /** Runs in the page: the statuses of many requests at once. */
  const statuses = (tab: Page) =>
    tab.evaluate((count) => {
      // Chromium makes requests for one address wait for each other, to answer them from its cache.
      const requests = Array.from({ length: count }, (_, i) => fetch(`/backend/echo?${i}`, { cache: "no-store" }));
      return Promise.all(requests.map(async (request) => (await request).status));
    }, REQUESTS_PER_TAB);

  it("shows the generation grow, and the panel goes on answering 200", async () => {
    const first = await generation();
    const seen = new Set<string>();
    const startMs = Date.now();
    while (Date.now() - startMs < ACCESS_TOKEN_SECONDS * 1000 || (await generation()) === first) {
      await page.getByTestId("backend-send").click();
      await page.locator("[data-testid=backend-status][data-kind]").waitFor();
      seen.add((await page.getByTestId("backend-status").textContent()) ?? "");
      expect(Date.now() - startMs).toBeLessThan(30_000);
    }
    expect([...seen]).toEqual(["Status 200"]);
    expect(await generation()).toBeGreaterThan(first);
    expect(Number(await page.getByTestId("remaining-seconds").textContent())).toBeGreaterThan(0);
    expect(world.provider.stats).toMatchObject({ errors: [], revoked: 0 });
  });

  it("refreshes once for forty requests of two tabs, and both stay signed in", async () => {
    const second = await context.newPage();
    await second.goto("/api-example");
    await expire();
    const before = grants();
    world.api.requests.length = 0;
    // As many as the browser has connections are on their way before the provider answers the first.
    world.controls.tokenDelayMs = 300;
    const answers = await Promise.all([statuses(page), statuses(second)]);
    expect(grants() - before).toBe(1);
    expect(new Set(answers.flat())).toEqual(new Set([200]));
    expect(answers.flat()).toHaveLength(2 * REQUESTS_PER_TAB);
    expect(new Set(world.api.requests.map(({ headers }) => headers.authorization)).size).toBe(1);
    expect(world.provider.stats).toMatchObject({ errors: [], revoked: 0 });
    for (const tab of [page, second]) {
      await tab.reload();
      expect(await tab.getByTestId("user-name").textContent()).toBe("Ada Lovelace");
    }
  });

  it("shows Server Components the renewed session in the very request that renews it; the old cookie lives on", async () => {
    const first = await page.evaluate(() => fetch("/api/auth/session").then((answer) => answer.json()));
    const kept = await context.storageState();
    await expire();
    const before = grants();
    await page.goto("/server-example");
    await page.getByText("Status 200").waitFor();
    const shown = JSON.parse((await page.getByTestId("session-json").textContent()) ?? "");
    expect(shown.gateway.generation).toBeGreaterThan(first.gateway.generation);
    expect(shown.gateway.accessTokenExpiresAtSeconds * 1000).toBeGreaterThan(Date.now());

    // As if every Set-Cookie since the sign-in had been lost.
    const late = await newVisitor(browser, { baseURL: world.origin, storageState: kept });
    try {
      const tab = await late.newPage();
      await tab.goto("/server-example");
      await tab.getByText("Status 200").waitFor();
    } finally {
      await late.close();
    }
    expect(grants() - before).toBe(1);
    expect(world.provider.stats).toMatchObject({ errors: [], revoked: 0 });
  });
});
