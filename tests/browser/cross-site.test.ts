import { createServer } from "node:http";
import type { Browser, BrowserContext, Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../gateway/world";
import { launchChromium, newVisitor, signedInState, startRealWorld } from "../support/browser.mjs";
import { listen } from "../support/listen.mjs";
import { recordSentHeaders } from "../support/recording.mjs";

/** How another site's page can make a browser send a request; `url` is the backend's. */
const ATTACKS: Record<string, string> = {
  "fetch, no-cors, with credentials": `fetch(url, { mode: "no-cors", credentials: "include" })`,
  "fetch, no-cors, POST": `fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: "x=1" })`,
  "fetch, cors, with credentials": `fetch(url, { credentials: "include" }).catch(() => {})`,
  sendBeacon: `navigator.sendBeacon(url, "x=1")`,
  "an image": `document.body.append(Object.assign(new Image(), { src: url }))`,
  "a script": `document.body.append(Object.assign(document.createElement("script"), { src: url }))`,
  "a frame": `document.body.append(Object.assign(document.createElement("iframe"), { src: url }))`,
  "a form's GET": `document.body.append(Object.assign(document.createElement("form"), { action: url }));
    document.forms[0].submit()`,
  "a form's POST": `document.body.append(Object.assign(document.createElement("form"), { action: url, method: "post" }));
    document.forms[0].submit()`,
  "a link": `document.body.append(Object.assign(document.createElement("a"), { href: url }));
    document.querySelector("a").click()`,
  "a new window": `window.open(url)`,
};

/** Those that carry a Lax cookie from another site as well: navigations of the whole page, by GET. */
const WITH_COOKIE_ACROSS_SITES = ["a form's GET", "a link", "a new window"];

describe("another origin's page", () => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startRealWorld>>;
  let signedIn: Awaited<ReturnType<typeof signedInState>>;
  let other: Awaited<ReturnType<typeof listen>>;
  let context: BrowserContext;
  let page: Page;
  let backendRequests: Request[];
  let sent: Awaited<ReturnType<typeof recordSentHeaders>>;

  beforeAll(async () => {
    const answerPage = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Another site</title>");
    });
    [browser, world, other] = await Promise.all([launchChromium(), startRealWorld(), listen(answerPage)]);
    signedIn = await signedInState(browser, { baseURL: world.origin });
  });
  afterAll(async () => {
    await Promise.all([browser.close(), world.close(), other.close()]);
  });
  beforeEach(async () => {
    context = await newVisitor(browser, { baseURL: world.origin, storageState: signedIn });
    backendRequests = [];
    context.on("request", (request) => {
      if (request.url().startsWith(`${world.origin}/backend/`)) backendRequests.push(request);
    });
    page = await context.newPage();
    sent = await recordSentHeaders(page);
    world.api.requests.length = 0;
  });
  afterEach(() => context.close());

  const refusals = () => world.log().split('"event":"cross_site"').length - 1;

  /** Opens the other site's page and has it make the request: the gateway says no, and the API sees nothing. */
  async function attack(from: string, script: string): Promise<{ hasCookie: boolean; site: string | undefined }> {
    await page.goto(from);
    const before = refusals();
    await page.evaluate(`{ const url = ${JSON.stringify(`${world.origin}/backend/echo`)}; ${script}; undefined }`);
    const isAnswered = () => refusals() > before || world.api.requests.length > 0;
    await until(() => isAnswered() && backendRequests.length > 0);
    expect([world.api.requests.length, refusals() - before]).toEqual([0, 1]);
    const headers = { ...(await backendRequests[0]?.allHeaders()), ...sent.to("/backend/echo") };
    return { hasCookie: /authjs\.session-token/.test(headers.cookie ?? ""), site: headers["sec-fetch-site"] };
  }

  describe("of the same site: another port, so that the browser sends the cookie", () => {
    it.each(Object.entries(ATTACKS))("%s is refused, and the API sees nothing", async (_name, script) => {
      const { hasCookie, site } = await attack(`http://localhost:${other.port}/`, script);
      expect([hasCookie, site]).toEqual([true, "same-site"]);
    });
  });

  describe("of another site", () => {
    it.each(Object.entries(ATTACKS))("%s is refused, and the API sees nothing", async (name, script) => {
      const { hasCookie, site } = await attack(`http://127.0.0.1:${other.port}/`, script);
      expect([hasCookie, site]).toEqual([WITH_COOKIE_ACROSS_SITES.includes(name), "cross-site"]);
    });
  });

  it("gets no permission by a preflight: the header of our own scripts is stopped before it is sent", async () => {
    await page.goto(`http://localhost:${other.port}/`);
    const before = refusals();
    const outcome = await page.evaluate(
      (url) =>
        fetch(url, { credentials: "include", headers: { "x-gateway-request": "1" } }).then(
          ({ status }) => `answered ${status}`,
          ({ name }) => name,
        ),
      `${world.origin}/backend/echo`,
    );
    expect(outcome).toBe("TypeError");
    expect(refusals() - before).toBe(1);
    expect(world.api.requests).toEqual([]);
  });

  it("answers 403 with the code cross_site to a navigation, and to a typed address", async () => {
    for (const from of [`http://127.0.0.1:${other.port}/`, null]) {
      if (from) await page.goto(from);
      const [answer] = await Promise.all([
        page.waitForResponse(`${world.origin}/backend/echo`),
        from ? page.evaluate(`location.href = "${world.origin}/backend/echo"`) : page.goto("/backend/echo"),
      ]);
      expect([answer.status(), (await answer.json()).code]).toEqual([403, "cross_site"]);
    }
    expect(world.api.requests).toEqual([]);
  });

  it("does not hinder the site's own pages meanwhile", async () => {
    await page.goto("/");
    await page.getByTestId("backend-send").click();
    await page.getByText("Status 200").waitFor();
    expect(world.api.requests).toHaveLength(1);
  });
});
