import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rawRequest } from "../support/raw-request.mjs";
import { type Client, createWorld, type HostUnderTest, until, type World } from "./world";

export function guardsSuite(host: HostUnderTest): void {
  describe(`guards on ${host.name}`, () => {
    let world: World;
    let user: Client;
    beforeAll(async () => {
      world = await createWorld(host);
      user = await world.signedIn();
    });
    afterAll(() => world.close());
    beforeEach(() => world.reset());

    const ask = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) => {
      const { method = "GET", headers = { "x-gateway-request": "1" } } = options;
      const cookie = user.sessionCookie();
      return rawRequest({ port: world.app.port, path, method, headers: { cookie, ...headers } });
    };

    it.each([
      ["another site's script", { "sec-fetch-site": "cross-site", "x-gateway-request": "1" }],
      ["a sister subdomain", { "sec-fetch-site": "same-site", "x-gateway-request": "1" }],
      ["a typed address", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }],
      ["a foreign Origin", { origin: "http://evil.test", "x-gateway-request": "1" }],
      ["an opaque Origin", { origin: "null", "x-gateway-request": "1" }],
      ["neither Fetch Metadata, Origin nor the header", {}],
    ])("refuses %s before any other work", async (_who, headers) => {
      const { status, body, headers: answered } = await ask("/backend/x", { headers });
      expect([status, JSON.parse(body).code]).toEqual([403, "cross_site"]);
      expect(Object.keys(answered).filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(world.backend.state.seen).toEqual([]);
    });

    it("takes same-origin Fetch Metadata, the exact Origin, or the header", async () => {
      const good = [{ "sec-fetch-site": "same-origin" }, { origin: world.app.origin }, { "x-gateway-request": "1" }];
      for (const headers of good) expect((await ask("/backend/x", { headers })).status).toBe(200);
    });

    const spelled = [
      "/backend/a%2fb",
      "/backend/a%5cb",
      "/backend/..%2f..%2fsecret",
      "/backend/%2e%2e%2fsecret",
      "/backend/a;b",
      "/backend/a%3bb",
      "/backend/%00",
      "/backend/%0d%0aset-cookie:x",
      "/backend/%zz",
      "/backend/%",
      "/backend/%252e%252e/secret",
      "/backend/%c0%ae%c0%ae/secret",
      "/backend/%41",
      "/backend/x.rsc",
      "/backend/x.segments/_tree.segment.rsc",
      "/_next/data/build/backend/x.json",
      "/%62ackend/x",
      "/backend%2fx",
    ];
    const repairedByParsers = [
      "/backend/../secret",
      "/backend/a/../../secret",
      "/backend/%2e%2e/secret",
      "/backend/a/./b",
      "/other/../backend/x",
      "/backend//x",
      "//backend/x",
      "/backend\\x",
      "/backend/a\\..\\..\\secret",
    ];
    it.each([...spelled, ...(host.seesRawPaths ? repairedByParsers : [])])("refuses the path %s", async (path) => {
      const { status, body } = await ask(path);
      expect([status, JSON.parse(body).code]).toEqual([400, "bad_path"]);
      expect(world.backend.state.seen).toEqual([]);
    });

    it("never leaves the upstream's base path, however a path is spelled", async () => {
      for (const path of [...spelled, ...repairedByParsers]) await ask(path);
      for (const { url } of world.backend.state.seen) expect(url).toMatch(/^\/base\//);
    });

    it.each(["/backend/x/", "/backend/a%20b%C3%A9/c", "/backend/100%25", "/backend/a@b:c,d=e~(1)'*!$&+-_."])(
      "forwards %s as it is spelled",
      async (path) => {
        expect((await ask(path)).status).toBe(200);
        expect(world.backend.state.seen.map(({ url }) => url)).toEqual([path.replace("/backend/", "/base/")]);
      },
    );

    it("names the methods that it takes", async () => {
      const { status, headers, body } = await ask("/backend/x", { method: "OPTIONS" });
      expect([status, JSON.parse(body).code]).toEqual([405, "method_not_allowed"]);
      expect(headers.allow).toBe("GET, HEAD, POST, PUT, PATCH, DELETE");
      expect(world.backend.state.seen).toEqual([]);
    });
  });

  describe(`settings on ${host.name}`, () => {
    it.each([
      ["AUTH_SECRET", undefined],
      ["AUTH_SECRET", "short"],
      ["AUTH_URL", undefined],
      ["AUTH_URL", "nonsense"],
      ["AUTH_URL", "http://app.example"],
      ["AUTH_OIDC_ID", undefined],
      ["AUTH_OIDC_ISSUER", undefined],
      ["AUTH_OIDC_ISSUER", "http://idp.example"],
      ["BACKEND_URL", undefined],
      ["BACKEND_URL", "ftp://files.example"],
    ])("does not serve with %s %s, and names it", async (name, value) => {
      const good = {
        AUTH_SECRET: "s".repeat(32),
        AUTH_OIDC_ISSUER: "http://127.0.0.1:9",
        AUTH_OIDC_ID: "a",
        AUTH_OIDC_SECRET: "b",
        BACKEND_URL: "http://127.0.0.1:9",
      };
      const app = await host.start({ ...good, [name]: value });
      try {
        const answers = (): Promise<Response | null> => fetch(`${app.origin}/backend/x`).catch(() => null);
        await until(async () => app.hasExited() || (await answers())?.status === 503);
        if (!app.hasExited()) {
          for (const path of ["/", "/backend/x", "/api/auth/session"]) {
            expect((await fetch(`${app.origin}${path}`, { redirect: "manual" })).status).toBe(503);
          }
        }
        expect(app.log()).toContain(name);
      } finally {
        await app.stop();
      }
    });
  });
}
