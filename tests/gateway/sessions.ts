import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type HostUnderTest, json, until, type World } from "./world";

const statuses = (responses: Response[]): number[] => [...new Set(responses.map(({ status }) => status))];

export function sessionsSuite(host: HostUnderTest): void {
  describe(`sessions on ${host.name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld(host);
    });
    afterAll(() => world.close());
    beforeEach(() => world.reset());

    it("refreshes once for fifty requests with an expired token, and lives on with the old cookie", async () => {
      const user = await world.expired();
      const cookie = user.sessionCookie();
      const responses = await Promise.all(Array.from({ length: 50 }, () => user.request("/backend/x", { cookie })));
      expect(statuses(responses)).toEqual([200]);
      for (let i = 0; i < 5; i++) expect((await user.request("/backend/x", { cookie })).status).toBe(200);
      expect(world.provider.state).toMatchObject({ attempts: 1, grants: 1, reuses: 0 });
      expect(new Set(world.backend.state.seen.map(({ bearer }) => bearer)).size).toBe(1);
    });

    it("never mixes two users who refresh at once", async () => {
      const users = [await world.expired({ login: "ada" }), await world.expired({ login: "grace" })] as const;
      const requests = Array.from({ length: 20 }, (_, i) =>
        users[i % 2 === 0 ? 0 : 1].request(`/backend/${i % 2 === 0 ? "ada" : "grace"}`),
      );
      expect(statuses(await Promise.all(requests))).toEqual([200]);
      expect(world.provider.state).toMatchObject({ grants: 2, reuses: 0 });
      for (const { url, bearer } of world.backend.state.seen)
        expect(`/base/${world.provider.loginOf(bearer)}`).toBe(url);
    });

    it("makes nobody wait for a token that is due soon, and the next request has the new one", async () => {
      const user = await world.signedIn({ accessTokenSeconds: 9 });
      const { accessTokenExpiresAtSeconds } = (await user.session()).gateway;
      await until(() => accessTokenExpiresAtSeconds * 1000 - Date.now() < 2_900);
      let release = (): void => {};
      world.provider.state.gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      // The provider answers nothing while these are answered: whoever waited for it would never come back.
      const responses = await Promise.all(Array.from({ length: 10 }, () => user.request("/backend/x")));
      expect(statuses(responses)).toEqual([200]);
      const before = world.backend.state.seen.at(-1)?.bearer;
      release();
      await until(() => world.provider.state.grants === 1);
      await until(async () => {
        await user.request("/backend/x");
        return world.backend.state.seen.at(-1)?.bearer !== before;
      });
      expect(world.provider.state).toMatchObject({ attempts: 1, reuses: 0 });
    });

    it.each(["500", "429", "html", "empty", "huge", "cut", "never"])(
      "keeps the session when the token endpoint fails: %s",
      async (mode) => {
        const valid = await world.signedIn();
        const user = await world.expired();
        world.provider.state.mode = mode;
        expect((await valid.request("/backend/x")).status).toBe(200);
        const response = await user.request("/backend/x");
        expect([response.status, (await json(response)).code]).toEqual([503, "provider_unavailable"]);
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
        expect(response.headers.getSetCookie()).toEqual([]);
        world.provider.state.mode = "ok";
        expect((await user.request("/backend/x")).status).toBe(200);
      },
    );

    it("ends the session on invalid_grant, and signing in works again without a loop", async () => {
      const user = await world.expired();
      world.provider.state.mode = "invalid_grant";
      const response = await user.request("/backend/x");
      expect([response.status, (await json(response)).code]).toEqual([401, "session_expired"]);
      expect(response.headers.getSetCookie().join()).toContain("Max-Age=0");
      world.provider.state.mode = "ok";
      const page = await user.follow("/middleware-example");
      expect([page.response.status, page.url.pathname]).toEqual([200, "/api/auth/signin"]);
      const again = await user.signIn({ callbackUrl: "/middleware-example" });
      expect([again.response.status, again.url.pathname]).toEqual([200, "/middleware-example"]);
    });

    it("carries an access token of 6 KB", async () => {
      world.provider.state.accessTokenBytes = 6144;
      const user = await world.expired();
      expect((await user.request("/backend/x")).status).toBe(200);
      expect((await user.request("/backend/x")).status).toBe(200);
      expect(world.backend.state.seen.map(({ bearer }) => bearer.length)).toEqual([6144, 6144]);
      expect(user.jar.dropped).toEqual([]);
    });

    it("splits a large session into chunks, and takes stale ones away when it shrinks", async () => {
      world.provider.state.accessTokenBytes = 4096;
      const user = await world.expired();
      const chunks = (): string[] =>
        user.jar.cookies(world.app.origin).flatMap(({ name }) => (name.includes("session-token") ? [name] : []));
      expect(chunks()).toHaveLength(2);
      const renewed = await user.request("/backend/x");
      expect(renewed.headers.getSetCookie()).toHaveLength(2);
      expect(chunks()).toHaveLength(2);
      world.provider.state.accessTokenBytes = 200;
      world.backend.state.respond = (_request, response, { bearer }) =>
        response.writeHead(bearer.length > 200 ? 401 : 200).end();
      const response = await user.request("/backend/x");
      expect([response.status, response.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
      expect(chunks()).toHaveLength(1);
      world.backend.state.respond = null;
      expect((await user.request("/backend/x")).status).toBe(200);
    });

    it("is not broken or forged by foreign, doubled or stray cookies", async () => {
      const user = await world.signedIn();
      const own = user.sessionCookie();
      const name = user.jar.cookies(world.app.origin).find((cookie) => cookie.name.includes("session-token"))?.name;
      const strays = [`${name}Z=evil`, `${name}.9=evil`, `${name}.1=evil`, `${name}=evil`];
      for (const cookie of [
        ...strays.map((stray) => `${own}; ${stray}`),
        ...strays.map((stray) => `${stray}; ${own}`),
      ]) {
        expect((await user.request("/backend/x", { cookie })).status).toBe(200);
        expect(await json(await user.request("/api/auth/session", { cookie }))).toMatchObject({ user: { id: "ada" } });
      }
      const seen = world.backend.state.seen.length;
      for (const cookie of [...strays, strays.join("; ")]) {
        expect((await user.request("/backend/x", { cookie })).status).toBe(401);
      }
      expect(world.backend.state.seen).toHaveLength(seen);
    });

    it("stays signed out, whatever old cookie comes back", async () => {
      const user = await world.expired();
      const first = user.sessionCookie();
      await user.request("/backend/x");
      const second = user.sessionCookie();
      await user.signOut();
      for (const cookie of [first, second]) {
        const response = await user.request("/backend/x", { cookie });
        expect([response.status, (await json(response)).code]).toEqual([401, "session_expired"]);
      }
      expect(world.backend.state.seen).toHaveLength(1);
      expect(world.provider.state.revoked).toHaveLength(1);
    });

    it("stays signed out when a slow request was in flight", async () => {
      const user = await world.expired();
      let answer = (): void => {};
      world.backend.state.respond = (_request, response) => {
        answer = () => response.writeHead(200).end();
      };
      const cookie = user.sessionCookie();
      const slow = user.request("/backend/slow");
      await until(() => world.backend.state.seen.length === 1);
      await user.signOut();
      answer();
      // It was let through before, so it may end; what it may not do is bring the session back.
      await slow;
      expect(user.jar.cookies(world.app.origin).filter(({ name }) => name.includes("session-token"))).toEqual([]);
      expect((await user.request("/backend/x", { cookie })).status).toBe(401);
    });
  });
}
