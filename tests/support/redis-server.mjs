import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeCommand, RedisError, replyParser } from "./resp.mjs";

const START_TIMEOUT_MS = 10_000;

/**
 * A real redis-server without persistence: on a unix socket, or on a loopback port when one is given.
 *
 * @param {{ port?: number }} [options]
 */
export async function startRedis({ port } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "redis-"));
  const address = port === undefined ? { path: join(directory, "redis.sock") } : { host: "127.0.0.1", port };
  let process_ = await spawnRedis(address, directory);
  let connection = await openConnection(address);
  const stop = async () => {
    connection.close();
    if (process_.exitCode === null && process_.signalCode === null) {
      const exited = once(process_, "exit");
      process_.kill("SIGKILL");
      await exited;
    }
  };
  return {
    address,
    /** One command's reply; rejects with `RedisError` for an error reply, with `Error` when Redis is down. */
    command: async (/** @type {(string | number | boolean | Buffer)[]} */ ...args) => {
      const [reply] = await connection.send([args]);
      if (reply instanceof RedisError) throw reply;
      return reply;
    },
    /** Several commands in one write, so that nothing comes between them; error replies are values. */
    commands: (/** @type {(string | number | boolean | Buffer)[][]} */ list) => connection.send(list),
    /** Kills it; what it held is gone. */
    stop,
    /** Starts it again, empty; also when it runs. */
    restartEmpty: async () => {
      await stop();
      process_ = await spawnRedis(address, directory);
      connection = await openConnection(address);
    },
    close: async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function spawnRedis(/** @type {import("node:net").NetConnectOpts} */ address, /** @type {string} */ directory) {
  const where =
    "path" in address
      ? ["--port", "0", "--unixsocket", address.path]
      : ["--bind", "127.0.0.1", "--port", String(address.port)];
  const args = [...where, "--save", "", "--appendonly", "no", "--dir", directory, "--loglevel", "warning"];
  const child = spawn("redis-server", args, { stdio: "ignore" });
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  child.once("exit", () => process.off("exit", killChild));
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  await Promise.race([untilItAnswers(address), failed]);
  return child;
}

async function untilItAnswers(/** @type {import("node:net").NetConnectOpts} */ address) {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 10) {
    const connection = await openConnection(address).catch(() => null);
    const [pong] = (await connection?.send([["PING"]]).catch(() => null)) ?? [];
    connection?.close();
    if (pong === "PONG") return;
    await sleep(10);
  }
  throw new Error("redis-server did not start");
}

/** A connection whose replies come in the order of its commands. */
async function openConnection(/** @type {import("node:net").NetConnectOpts} */ address) {
  const socket = connect(address);
  /** @type {PromiseWithResolvers<unknown>[]} */
  const waiting = [];
  const parse = replyParser((reply) => waiting.shift()?.resolve(reply));
  socket.on("data", parse);
  socket.on("error", () => {});
  socket.on("close", () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("redis is down"));
  });
  await once(socket, "connect");
  return {
    send(/** @type {(string | number | boolean | Buffer)[][]} */ list) {
      if (socket.destroyed) return Promise.reject(new Error("redis is down"));
      const replies = list.map(() => {
        const reply = Promise.withResolvers();
        waiting.push(reply);
        return reply.promise;
      });
      socket.write(Buffer.concat(list.map(encodeCommand)));
      return Promise.all(replies);
    },
    close: () => socket.destroy(),
  };
}
