import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findTokens } from "../support/find-tokens.mjs";
import { createWorld, type HostUnderTest, json, type World } from "./world";

const PAGES = ["/", "/server-example", "/client-example", "/api-example", "/middleware-example", "/no-such-page"];
const AUTH_ROUTES = ["session", "csrf", "providers", "signin", "signout", "error?error=Configuration"];

export function pagesSuite(host: HostUnderTest): void {
  describe(`pages on ${host.name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld(host);
    });
    afterAll(() => world.close());
    beforeEach(() => world.reset());

    it("shows Server Components the session that was refreshed in the same request", async () => {
      const user = await world.expired();
      const response = await user.request("/middleware-example");
      expect(response.status).toBe(200);
      expect(text(await response.text())).toMatch(/"generation":\s*2/);
      expect(response.headers.getSetCookie().length).toBeGreaterThan(0);
      expect(response.headers.get("cache-control")).toBe("private, no-store");
      expect(world.provider.state.grants).toBe(1);
    });

    it("sends the signed-out from a protected page to sign-in, with a relative way back", async () => {
      const response = await world.client().request("/middleware-example?a=1&b=2");
      expect(response.status).toBe(307);
      const location = new URL(response.headers.get("location") ?? "", world.app.origin);
      expect(location.origin).toBe(world.app.origin);
      expect(location.pathname).toBe("/api/auth/signin");
      expect(location.searchParams.get("callbackUrl")).toBe("/middleware-example?a=1&b=2");
    });

    it("refuses a protected page to a forged, an expired and a signed-out session", async () => {
      const user = await world.signedIn();
      const old = user.sessionCookie();
      await user.signOut();
      for (const cookie of [old, "authjs.session-token=forged", old.replace(/.$/, "x")]) {
        expect((await user.request("/middleware-example", { cookie })).status).toBe(307);
      }
    });

    it("keeps page visitors signed in while the provider is down", async () => {
      const user = await world.expired();
      world.provider.state.mode = "500";
      expect((await user.request("/middleware-example")).status).toBe(200);
      expect(await user.session()).toMatchObject({ user: { id: "ada" } });
      world.provider.state.mode = "ok";
      expect((await user.request("/backend/x")).status).toBe(200);
    });

    it("refreshes on the session route too, once for twenty tabs", async () => {
      const user = await world.expired();
      const sessions = await Promise.all(Array.from({ length: 20 }, () => user.session()));
      expect(sessions.map((session) => session.gateway.generation)).toEqual(Array(20).fill(2));
      expect(world.provider.state).toMatchObject({ grants: 1, reuses: 0 });
      expect((await user.request("/backend/x")).status).toBe(200);
    });

    it("prolongs no signed-out session on any of Auth.js's routes", async () => {
      const user = await world.signedIn();
      const cookie = user.sessionCookie();
      await user.signOut();
      for (const path of ["session", "session/", "session//", "providers", "signin", "csrf"]) {
        const response = await user.request(`/api/auth/${path}`, { cookie });
        const lines = response.headers.getSetCookie().filter((line) => line.includes("session-token"));
        expect(lines.filter((line) => !line.includes("Max-Age=0"))).toEqual([]);
        expect(await response.text()).not.toContain("User ada");
      }
      expect((await user.signIn({ callbackUrl: "/middleware-example" })).url.pathname).toBe("/middleware-example");
    });

    it("protects the example's route handler", async () => {
      expect((await world.client().request("/api/protected")).status).toBe(401);
      const user = await world.signedIn();
      expect(await json(await user.request("/api/protected"))).toMatchObject({ hasAccessToken: true });
    });

    it("gives server code the access token, and the browser its backend's answer only", async () => {
      const user = await world.signedIn();
      const html = await (await user.request("/server-example")).text();
      expect(world.provider.isValid(world.backend.state.seen[0].bearer)).toBe(true);
      expect(text(html)).toContain('"hasBearer": true');
    });

    it("lets no cache keep a response that sets a cookie", async () => {
      const user = world.client();
      const watched: string[] = [];
      const watch = (response: Response): void => {
        if (response.headers.getSetCookie().length > 0) watched.push(response.headers.get("cache-control") ?? "none");
      };
      watch(await user.request("/api/auth/csrf"));
      await user.signIn();
      watch(await user.request("/api/auth/session"));
      watch(await user.signOut());
      expect(watched.length).toBeGreaterThanOrEqual(3);
      for (const value of watched) expect(value).toMatch(/private.*no-store/);
    });

    it("lets no byte of a token reach the browser, or a log", async () => {
      const user = await world.expired();
      const got: string[] = [];
      const visit = async (path: string, init: RequestInit = {}): Promise<void> => {
        const response = await user.request(path, init);
        got.push(JSON.stringify([...response.headers]), await response.text());
      };
      for (const path of PAGES) {
        await visit(path);
        await visit(path, { headers: { rsc: "1" } });
      }
      for (const route of AUTH_ROUTES) await visit(`/api/auth/${route}`);
      for (const path of ["/backend/x", "/backend/a%2fb", "/api/protected"]) await visit(path);
      for (const mode of ["500", "html", "invalid_client", "invalid_grant"]) {
        const other = await world.expired();
        world.provider.state.mode = mode;
        const response = await other.request("/backend/x");
        got.push(JSON.stringify([...response.headers]), await response.text());
        world.provider.state.mode = "ok";
      }
      got.push(...user.received, ...scripts(), world.app.log());
      expect(world.provider.state.issued.size).toBeGreaterThan(8);
      expect(findTokens(got, world.provider.state.issued)).toEqual([]);
      expect(got.join()).not.toContain("upstream-body-secret");
    });
  });
}

/** The text of a page: entities and comments resolved, as far as these tests need. */
function text(html: string): string {
  return html.replaceAll("&quot;", '"').replaceAll("<!-- -->", "");
}

/** Every script that the build serves. */
function scripts(): string[] {
  const folder = ".next/static";
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
}
