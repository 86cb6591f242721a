import { describe, expect, test } from "vitest";
import { ConfigError, type GatewayConfig, memoryLedger } from "@/edge";
import { createWorld, outcome, SECRET, type WorldOptions } from "../support/edge-world";

/** What `createGateway` throws. */
function errorOf(options: WorldOptions): ConfigError {
  try {
    createWorld(options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const HINT = "`openssl rand -base64 33`";
const NOT_A_URL = "must be an absolute http(s) URL";
const NOT_SECURE = "must be https: http is for loopback hosts only";
const NOT_AN_ORIGIN = "must be an origin without a path, e.g. https://app.example";
const NO_CREDENTIALS = "must not hold a user name or password";

describe("the setting", () => {
  const variables: [string, string | undefined, string][] = [
    ["AUTH_SECRET", undefined, `is missing: make one with ${HINT}`],
    ["AUTH_SECRET", "", `is missing: make one with ${HINT}`],
    ["AUTH_SECRET", "x".repeat(31), `must have at least 32 characters: ${HINT}`],
    ["AUTH_SECRET_1", "short", `must have at least 32 characters: ${HINT}`],
    ["AUTH_SECRET_9", "short", `must have at least 32 characters: ${HINT}`],
    ["AUTH_URL", undefined, "is missing"],
    ["AUTH_URL", "", "is missing"],
    ["AUTH_URL", "app.test", NOT_A_URL],
    ["AUTH_URL", "app.test:3000", NOT_A_URL],
    ["AUTH_URL", "https://", NOT_A_URL],
    ["AUTH_URL", "ftp://app.test", NOT_A_URL],
    ["AUTH_URL", "javascript:alert(1)", NOT_A_URL],
    ["AUTH_URL", "https://app.test/base", NOT_AN_ORIGIN],
    ["AUTH_URL", "https://app.test/api/auth", NOT_AN_ORIGIN],
    ["AUTH_URL", "https://app.test/?x=1", NOT_AN_ORIGIN],
    ["AUTH_URL", "https://app.test/#x", NOT_AN_ORIGIN],
    ["AUTH_URL", "http://app.test", NOT_SECURE],
    ["AUTH_URL", "http://10.0.0.1:3000", NOT_SECURE],
    ["AUTH_URL", "http://localhost.evil.test", NOT_SECURE],
    ["AUTH_URL", "http://127.0.0.1.evil.test", NOT_SECURE],
    ["AUTH_URL", "http://[::2]", NOT_SECURE],
    ["AUTH_URL", "https://user:pw@app.test", NO_CREDENTIALS],
  ];
  test.each(variables)("%s=%s is refused by name", (name, value, expectation) => {
    const error = errorOf({ env: { [name]: value } });
    expect([error.setting, error.message]).toEqual([name, `${name} ${expectation}`]);
  });

  const upstreams: [string | undefined, string][] = [
    [undefined, "is missing: the base URL of the API to forward to"],
    ["", "is missing: the base URL of the API to forward to"],
    ["api.test", NOT_A_URL],
    ["/v1", NOT_A_URL],
    ["file:///etc/passwd", NOT_A_URL],
    ["http://api.test", NOT_SECURE],
    ["https://api.test/v1?key=1", "must not have a query or fragment"],
    ["https://api.test/v1#x", "must not have a query or fragment"],
    ["https://user:pw@api.test", NO_CREDENTIALS],
    ["https://user@api.test", NO_CREDENTIALS],
  ];
  test.each(upstreams)("BACKEND_URL=%s is refused by name", (url, expectation) => {
    const error = errorOf({ backend: { url } });
    expect([error.setting, error.message]).toEqual(["BACKEND_URL", `BACKEND_URL ${expectation}`]);
  });

  test("of a provider is missing: AUTH_OIDC_ID is named", () => {
    expect(errorOf({ providers: () => [] }).setting).toBe("AUTH_OIDC_ID");
  });

  test("is never repeated in the error, a secret or a password least of all", () => {
    expect(errorOf({ env: { AUTH_SECRET: "hunter2" } }).message).not.toContain("hunter2");
    expect(errorOf({ env: { AUTH_URL: "https://ada:hunter2@app.test" } }).message).not.toContain("hunter2");
    expect(errorOf({ backend: { url: "https://ada:hunter2@api.test" } }).message).not.toContain("hunter2");
  });

  const options: [string, Omit<GatewayConfig, "backends">, string][] = [
    ["a negative everySeconds", { endedCheck: { everySeconds: -1 } }, "endedCheck"],
    ["NaN for everySeconds", { endedCheck: { everySeconds: Number.NaN } }, "endedCheck"],
    [
      "server-side sessions without a shared ledger",
      { session: { cookieBudgetBytes: 0 } },
      "session.cookieBudgetBytes",
    ],
  ];
  test.each(options)("%s is refused by name", (_, config, setting) => {
    expect(errorOf({ config }).setting).toBe(setting);
  });

  test.each([{ maxSessions: 0 }, { maxEnded: 0 }, { maxSessions: Number.NaN }])("%j is refused", (bounds) => {
    expect(() => memoryLedger(bounds)).toThrow(ConfigError);
  });

  test.each(["/backend", "backend/", "/", "/Backend/", "//", "/a//b/", "/a%20/", "/../", ""])(
    "of a mount at %j is refused",
    (mount) => {
      const error = errorOf({ otherBackends: { [mount]: { url: "https://api.test" } } });
      expect(error.setting).toBe(`backends: ${mount}`);
    },
  );

  test("of a URL without its variable names the mount", () => {
    expect(errorOf({ otherBackends: { "/other/": { url: undefined } } }).setting).toBe("backends: /other/");
  });
});

describe("these settings work:", () => {
  const origins = [
    "https://app.test",
    "https://app.test/",
    "https://app.test:8443",
    "http://localhost:3000",
    "http://app.localhost",
    "http://127.0.0.1:3000",
    "http://127.9.9.9",
    "http://[::1]:3000",
  ];
  test.each(origins)("AUTH_URL=%s", async (origin) => {
    const world = createWorld({ env: { AUTH_URL: origin } });
    const ada = await world.signIn();
    expect((await ada.ask("/backend/orders")).status).toBe(200);
    const isSecure = origin.startsWith("https:");
    expect(ada.jar.names()).toEqual([isSecure ? "__Host-Http-authjs.session-token" : "authjs.session-token"]);
    expect(world.gateway.settings).toEqual({ origin: new URL(origin).origin, secure: isSecure, secrets: [SECRET] });
  });

  test("an AUTH_SECRET of 32 characters", async () => {
    const world = createWorld({ env: { AUTH_SECRET: "x".repeat(32) } });
    expect((await (await world.signIn()).ask("/backend/orders")).status).toBe(200);
  });

  test("an empty AUTH_SECRET_1, as a shell leaves it", () => {
    expect(createWorld({ env: { AUTH_SECRET_1: "" } }).gateway.settings.secrets).toEqual([SECRET]);
  });

  test("http to a backend in the same network, when that is asked for", async () => {
    const world = createWorld({ backend: { url: "http://api.internal/v1", insecureHttp: true } });
    world.servers.set("http://api.internal", (url, init) => world.backend.answer(url, init));
    expect((await (await world.signIn()).ask("/backend/orders")).status).toBe(200);
  });
});

test("a throw in the middle of a request names nothing", async () => {
  const { engine, error } = throwingLedger();
  const world = createWorld({ config: { ledger: engine } });
  const response = await (await world.signIn()).ask("/backend/orders");
  expect(await response.clone().text()).not.toContain(error.message);
  expect(JSON.stringify(world.log)).not.toContain(error.message);
  expect(await outcome(response)).toBe("500 internal_error");
  expect(world.log).toEqual([{ level: "error", event: "internal_error", name: "TypeError" }]);
});

function throwingLedger(): { engine: ReturnType<typeof memoryLedger>; error: Error } {
  const error = new TypeError("at-secret in a bug's message");
  const fail = (): never => {
    throw error;
  };
  return {
    engine: { name: "bug", scope: "process", open: () => ({ read: fail, advance: fail, keep: fail, end: fail }) },
    error,
  };
}
