import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../gateway/world";
import { freePort, listen } from "../support/listen.mjs";
import { signIn } from "../support/sign-in.mjs";

/** With a build that it has to make first. */
const READY_TIMEOUT_MS = 100_000;
const STOP_TIMEOUT_MS = 10_000;

interface Demo {
  ports: { app: number; provider: number; api: number };
  output: () => string;
  /** The exit code; null when a signal ended it, or while it runs. */
  code: () => number | null;
  hasExited: () => boolean;
  kill: (signal: NodeJS.Signals) => void;
}

describe("npm run demo", () => {
  let running: Demo | null = null;
  afterEach(async () => {
    const left = running;
    running = null;
    if (!left || left.hasExited()) return;
    left.kill("SIGTERM");
    await until(left.hasExited, { timeoutMs: STOP_TIMEOUT_MS }).finally(() => left.kill("SIGKILL"));
  });

  async function startDemo(env: Record<string, string> = {}): Promise<Demo> {
    const ports = { app: await freePort(), provider: await freePort(), api: await freePort() };
    const child = spawn(process.execPath, ["scripts/demo/index.mjs"], {
      env: {
        NODE_ENV: "production",
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: String(ports.app),
        DEMO_PROVIDER_PORT: String(ports.provider),
        DEMO_API_PORT: String(ports.api),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    running = {
      ports,
      output: () => output,
      code: () => child.exitCode,
      hasExited: () => child.exitCode !== null || child.signalCode !== null,
      kill: (signal) => child.kill(signal),
    };
    return running;
  }

  async function ready(demo: Demo): Promise<void> {
    await until(() => demo.hasExited() || demo.output().includes("Ctrl-C"), { timeoutMs: READY_TIMEOUT_MS });
    if (demo.hasExited()) throw new Error(`the demo ended:\n${demo.output()}`);
  }

  it("starts all three, is ready when it says so, works at once, and ends with Ctrl-C", {
    timeout: 120_000,
  }, async () => {
    const demo = await startDemo();
    await ready(demo);
    const { app, provider, api } = demo.ports;
    for (const port of [app, provider, api]) expect(demo.output()).toContain(`:${port}`);
    expect(demo.output()).toContain(`Open      http://localhost:${app}`);

    const user = await signIn({ origin: `http://localhost:${app}` });
    const answer = await user.fetch("/backend/echo", { headers: { "sec-fetch-site": "same-origin" } });
    expect(answer.status).toBe(200);
    const received = (await answer.json()) as { token: unknown; headers: Record<string, string> };
    expect(received.token).toMatchObject({ sub: "ada", issuer: `http://127.0.0.1:${provider}` });
    expect(received.headers.authorization).toMatch(/^Bearer •••• \(\d+ characters, verified\)$/);
    expect(received.headers).not.toHaveProperty("cookie");
    await until(() => demo.output().includes("signed in, first token set given"));

    demo.kill("SIGINT");
    await until(demo.hasExited, { timeoutMs: STOP_TIMEOUT_MS });
    expect([demo.code(), demo.output().trimEnd().endsWith("Stopped.")]).toEqual([0, true]);
    expect(await answering(demo.ports)).toEqual([]);
  });

  it("ends while an event stream is open, and when it is interrupted twice", { timeout: 120_000 }, async () => {
    const demo = await startDemo();
    await ready(demo);
    const user = await signIn({ origin: `http://localhost:${demo.ports.app}` });
    const events = await user.fetch("/backend/events", { headers: { "sec-fetch-site": "same-origin" } });
    const reader = events.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    demo.kill("SIGINT");
    demo.kill("SIGINT");
    await until(demo.hasExited, { timeoutMs: STOP_TIMEOUT_MS });
    expect(demo.code()).toBe(0);
    expect(await answering(demo.ports)).toEqual([]);
    await reader?.cancel().catch(() => {});
  });

  it("ends when it is interrupted before it is ready", async () => {
    const demo = await startDemo();
    await until(() => demo.output().includes("Starting …") || demo.hasExited(), { timeoutMs: READY_TIMEOUT_MS });
    demo.kill("SIGINT");
    await until(demo.hasExited, { timeoutMs: STOP_TIMEOUT_MS });
    expect([demo.code(), await answering(demo.ports)]).toEqual([0, []]);
  });

  it.each([
    { variable: "PORT", name: "the app" },
    { variable: "DEMO_PROVIDER_PORT", name: "the provider" },
    { variable: "DEMO_API_PORT", name: "the API" },
  ])("says which port is taken, and how to choose another: $variable", async ({ variable, name }) => {
    const { port, close } = await listen(createServer());
    try {
      const demo = await startDemo({ [variable]: String(port) });
      await until(demo.hasExited);
      expect(demo.code()).toBe(1);
      expect(demo.output()).toContain(`Port ${port}, for ${name}, is taken.`);
      expect(demo.output()).toContain(`${variable}=${port + 1} npm run demo`);
      expect(await answering({ ...demo.ports, [variable]: port })).toEqual([port]);
    } finally {
      await close();
    }
  });

  it("refuses a port that is none, and an argument that it does not know", async () => {
    const demo = await startDemo({ DEMO_API_PORT: "99999" });
    await until(demo.hasExited);
    expect([demo.code(), demo.output()]).toEqual([1, "DEMO_API_PORT must be a port, 1 to 65535.\n"]);
  });
});

/** The ports where somebody answers. */
async function answering(ports: Record<string, number>): Promise<number[]> {
  const answers = await Promise.all(
    Object.values(ports).map(async (port) => {
      const isTaken = await new Promise((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      return isTaken ? [port] : [];
    }),
  );
  return answers.flat();
}
