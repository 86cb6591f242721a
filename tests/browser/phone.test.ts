import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, newVisitor, PAGES, signedInState, startRealWorld } from "../support/browser.mjs";
import { inspectContrast, inspectPage, tabThrough } from "../support/page-checks.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
/** WCAG 2.2, 2.5.8. */
const MIN_TARGET_PIXELS = 24;

const VISITS = [
  ...PAGES.map((path) => ({ path, as: "ada" as const })),
  // The fifth one leads to the sign-in page, which is Auth.js's own.
  ...PAGES.filter((path) => path !== "/middleware-example").map((path) => ({ path, as: "nobody" as const })),
];

describe("on a phone of 360 × 740, and with the keyboard", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let signedIn: Awaited<ReturnType<typeof signedInState>>;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    [browser, world] = await Promise.all([launchChromium(), startRealWorld()]);
    signedIn = await signedInState(browser, { baseURL: world.origin });
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close()]);
  });
  afterEach(() => context.close());

  /** Opens a page and has it show all that it can. */
  async function visit(path: string, { as }: { as: "ada" | "nobody" }): Promise<void> {
    context = await newVisitor(browser, {
      ...PHONE,
      baseURL: world.origin,
      ...(as === "ada" && { storageState: signedIn }),
    });
    page = await context.newPage();
    await page.goto(path);
    if (path === "/") {
      await page.getByTestId("backend-send").click();
      await page.getByTestId("backend-answer").waitFor();
    }
    if (path === "/api-example") {
      await page.getByTestId("api-call").click();
      await page.getByTestId("api-answer").waitFor();
    }
    if (path === "/client-example") await page.getByTestId(as === "ada" ? "sign-out" : "sign-in").waitFor();
  }

  describe.each(VISITS)("$path as $as", ({ path, as }) => {
    it("fits the width, is named, labels its controls, and gives each a turn and a ring with the keyboard", async () => {
      await visit(path, { as });
      expect(await inspectPage(page, { minTargetPixels: MIN_TARGET_PIXELS })).toEqual({
        scrollWidth: PHONE.viewport.width,
        widerThanPage: [],
        lang: "en",
        headings: 1,
        hasTitle: true,
        unnamed: [],
        tooSmall: [],
        duplicateIds: [],
      });
      const { reached, controls, withoutRing, offScreen } = await tabThrough(page);
      expect(reached).toEqual(controls);
      expect(controls.length).toBeGreaterThan(5);
      expect([withoutRing, offScreen]).toEqual([[], []]);
    });
  });

  it("gives each page a title of its own", async () => {
    await visit("/", { as: "ada" });
    const titles = [];
    for (const path of PAGES) {
      await page.goto(path);
      titles.push(await page.title());
    }
    expect(new Set(titles).size).toBe(PAGES.length);
  });

  it("moves past the navigation with the skip link", async () => {
    await visit("/", { as: "ada" });
    await page.reload();
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").getAttribute("data-testid")).toBe("sign-out");
  });

  it("keeps the focus and says what happens when the backend is called", async () => {
    await visit("/", { as: "ada" });
    await page.getByTestId("backend-send").focus();
    await page.keyboard.press("Enter");
    await page.getByText("Status 200").waitFor();
    expect(await page.locator(":focus").getAttribute("data-testid")).toBe("backend-send");
    expect(await page.getByTestId("backend-status").getAttribute("role")).toBe("status");
  });

  it("is readable in light and dark: text against what is behind it, 4.5 to 1", async () => {
    await visit("/", { as: "ada" });
    for (const colorScheme of ["light", "dark"] as const) {
      // Without it, colours are still on their way from one to the other.
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect((await inspectContrast(page)).filter(({ ratio }) => ratio < 4.5)).toEqual([]);
    }
  });
});
