import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, newVisitor, serveEdgeModules, signedInState, startRealWorld } from "../support/browser.mjs";
import { recordContext } from "../support/recording.mjs";

describe("calling the backend from a page", () => {
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
  beforeEach(() => {
    world.api.requests.length = 0;
  });
  afterEach(() => context.close());

  async function visit({ as }: { as: "ada" | "nobody" }): Promise<void> {
    context = await newVisitor(browser, {
      baseURL: world.origin,
      ...(as === "ada" && { storageState: signedIn }),
    });
    page = await context.newPage();
    await page.goto("/");
  }

  async function send({ method = "GET", path = "/backend/echo" } = {}): Promise<string> {
    await page.getByLabel("Method").selectOption(method);
    await page.getByLabel("Path").fill(path);
    await page.getByTestId("backend-send").click();
    await page.locator("[data-testid=backend-status][data-kind]").waitFor();
    return (await page.getByTestId("backend-status").textContent()) ?? "";
  }

  /** Runs in the page, where `import()` finds the helper as an app's script would. */
  const inPage = <T>(script: string): Promise<T> => page.evaluate<T>(`(async () => { ${script} })()`);

  it("shows 200 with what the backend received, the bearer blanked out and no cookie, beside what was sent", async () => {
    await visit({ as: "ada" });
    expect(await send({ method: "POST", path: "/backend/echo?x=1&x=2" })).toBe("Status 200");
    const received = JSON.parse((await page.getByTestId("backend-answer").textContent()) ?? "");
    expect(received).toMatchObject({ method: "POST", path: "/echo", query: { x: ["1", "2"] }, token: { sub: "ada" } });
    expect(received.headers.authorization).toMatch(/^Bearer •••• \(\d+ characters, verified\)$/);
    expect(received.headers).not.toHaveProperty("cookie");
    expect(JSON.parse((await page.getByTestId("browser-sent").textContent()) ?? "")).toEqual({
      method: "POST",
      url: "/backend/echo?x=1&x=2",
      headers: { "x-gateway-request": "1" },
    });
    await page.getByText("is empty").waitFor();
    const { headers, url } = world.api.requests.at(-1) ?? {};
    expect(url).toBe("/echo?x=1&x=2");
    expect(headers?.authorization).toMatch(/^Bearer ey/);
    expect(headers).not.toHaveProperty("cookie");
  });

  it("sends the session cookie and no Authorization header to /backend/", async () => {
    await visit({ as: "ada" });
    const record = recordContext(context);
    await send();
    await record.texts();
    const [request, ...more] = record.requests.filter(({ url }) => url.includes("/backend/"));
    expect(more).toEqual([]);
    expect(request?.headers).not.toHaveProperty("authorization");
    expect(request?.headers.cookie).toMatch(/(?:^|; )authjs\.session-token(?:\.0)?=/);
    expect(request?.headers).toMatchObject({ "sec-fetch-site": "same-origin", "x-gateway-request": "1" });
  });

  it("explains session_required to somebody who is not signed in, and offers the sign-in", async () => {
    await visit({ as: "nobody" });
    expect(await send()).toBe("Status 401: session_required");
    const answer = page.getByTestId("backend-answer");
    expect(await answer.textContent()).toMatch(/Sign in to call this backend\. *Without a session there is no token/);
    await answer.getByTestId("sign-in-again").click();
    await page.getByLabel("Login name").waitFor();
    expect(world.api.requests).toEqual([]);
  });

  it("passes on the backend's own errors, and tells the gateway's from them", async () => {
    await visit({ as: "ada" });
    expect(await send({ path: "/backend/nothing-here" })).toBe("Status 404");
    expect(await page.getByTestId("backend-answer").textContent()).toContain('"not_found"');
    expect(await send({ path: "/backend/a%2fb" })).toBe("Status 400: bad_path");
    expect(await page.getByTestId("backend-answer").textContent()).toContain("Change the request");
    expect(await send({ path: "https://example.com/backend/echo" })).toBe("No answer");
    expect(await page.getByTestId("backend-answer").textContent()).toContain("paths of this site only");
    expect(world.api.requests.map(({ url }) => url)).toEqual(["/nothing-here"]);
  });

  it("gives script a typed error from gatewayFetch, and the answer when there is one", async () => {
    await visit({ as: "nobody" });
    await serveEdgeModules(context);
    const call = `
      const { gatewayFetch, GatewayError } = await import("/__edge/client/gateway-fetch");
      try {
        const response = await gatewayFetch("/backend/echo");
        return { status: response.status, body: await response.json() };
      } catch (error) {
        const { name, code, status, needsSignIn, isTransient } = error;
        return { name, code, status, needsSignIn, isTransient, isTyped: error instanceof GatewayError };
      }`;
    expect(await inPage(call)).toEqual({
      name: "GatewayError",
      code: "session_required",
      status: 401,
      needsSignIn: true,
      isTransient: false,
      isTyped: true,
    });
    await context.addCookies(signedIn.cookies);
    expect(await inPage(call)).toMatchObject({ status: 200, body: { path: "/echo", token: { sub: "ada" } } });
  });

  it("never lets gatewayFetch leave the site, whatever the spelling", async () => {
    await visit({ as: "ada" });
    await serveEdgeModules(context);
    for (const target of [`${world.api.url}/echo`, world.api.url.replace("http:", ""), "/\\127.0.0.1/echo"]) {
      const outcome = await inPage(`
        const { gatewayFetch } = await import("/__edge/client/gateway-fetch");
        return gatewayFetch(${JSON.stringify(target)}).then(() => "sent", ({ name }) => name)`);
      expect(outcome, target).toBe("TypeError");
    }
    expect(world.api.requests).toEqual([]);
  });

  it("works with plain fetch too: JSON, an upload, and events that arrive one by one", async () => {
    await visit({ as: "ada" });
    const answer = await inPage<{ method: string; body: { length: number } }>(`
      const body = new Blob([new Uint8Array(1_000_000)]);
      return (await fetch("/backend/echo", { method: "PUT", body })).json()`);
    expect(answer).toMatchObject({ method: "PUT", body: { length: 1_000_000 } });
    // The API goes on for half a minute: whoever waited for the end would not answer in time.
    const events = await inPage<string[]>(`
      const abort = new AbortController();
      const { body } = await fetch("/backend/events", { signal: abort.signal });
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      const chunks = [(await reader.read()).value, (await reader.read()).value];
      abort.abort();
      return chunks`);
    expect(events.map((chunk) => /^id: (\d+)/.exec(chunk)?.[1])).toEqual(["1", "2"]);
  });
});
