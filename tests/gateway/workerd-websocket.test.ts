import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createClient } from "../support/client.mjs";
import { startFakeProvider } from "../support/fake-provider.mjs";
import { listen } from "../support/listen.mjs";
import { startWorkerd } from "../support/workerd.mjs";
import { settingsFor } from "./world";

describe("WebSocket upgrades on workerd", () => {
  let provider: Awaited<ReturnType<typeof startFakeProvider>>;
  let server: Server;
  let backend: Awaited<ReturnType<typeof listen>>;
  let workerd: Awaited<ReturnType<typeof startWorkerd>>;
  let cookie: string;
  /** The handshakes that the backend saw. */
  const seen: { url: string; headers: Record<string, unknown> }[] = [];

  beforeAll(async () => {
    provider = await startFakeProvider();
    server = createServer();
    new WebSocketServer({ server }).on("connection", (socket, { url = "", headers }) => {
      seen.push({ url, headers });
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    backend = await listen(server);
    workerd = await startWorkerd({ vars: settingsFor({ issuer: provider.issuer, backendUrl: backend.origin }) });
    const user = createClient(workerd.origin);
    await user.signIn({ callbackUrl: "/api/auth/csrf" });
    cookie = user.sessionCookie();
  });
  afterAll(async () => {
    await workerd.stop();
    await Promise.all([provider.close(), backend.close()]);
  });
  beforeEach(() => {
    seen.length = 0;
  });

  const connect = (headers: Record<string, string>, protocols: string[] = []): WebSocket =>
    new WebSocket(`${workerd.origin.replace("http", "ws")}/backend/live?room=1`, protocols, { headers });
  const opened = (socket: WebSocket): Promise<"open" | number | undefined> =>
    new Promise((resolve) => {
      socket.once("open", () => resolve("open"));
      socket.once("unexpected-response", (_request, response) => resolve(response.statusCode));
      socket.once("error", () => {});
    });

  it("carry messages both ways, with the token and without the cookie", async () => {
    const socket = connect({ cookie, origin: workerd.origin }, ["chat"]);
    expect(await opened(socket)).toBe("open");
    const answer = new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send("hello");
    expect(await answer).toBe("hello");
    const [handshake] = seen;
    expect(handshake?.url).toBe("/base/live?room=1");
    expect(provider.isValid(String(handshake?.headers.authorization).replace("Bearer ", ""))).toBe(true);
    expect(handshake?.headers).not.toHaveProperty("cookie");
    expect(handshake?.headers["sec-websocket-protocol"]).toBe("chat");
    const closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  it.each([
    ["another site's page", { origin: "http://evil.test" }, 403],
    ["a client that names no origin", {}, 403],
    ["a sister subdomain", { origin: "http://sister.localhost" }, 403],
  ])("are refused to %s", async (_who, headers, status) => {
    expect(await opened(connect({ cookie, ...headers }))).toBe(status);
    expect(seen).toEqual([]);
  });

  it("are refused without a session", async () => {
    expect(await opened(connect({ origin: workerd.origin }))).toBe(401);
    expect(seen).toEqual([]);
  });
});
