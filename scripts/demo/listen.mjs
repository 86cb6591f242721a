import { createServer } from "node:http";

/**
 * Listens on a loopback host.
 *
 * @param {import("node:http").RequestListener} handler
 * @param {{ port: number, host: "127.0.0.1" | "localhost" }} options - port 0 takes a free one
 * @returns {Promise<{ port: number, close: () => Promise<void> }>} `close` also ends open connections, event streams too
 */
export async function listen(handler, { port, host }) {
  const server = createServer(handler);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
