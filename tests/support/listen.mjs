/**
 * Has a node server listen on loopback.
 *
 * @param {import("node:http").Server} server
 * @param {number} port 0 for a free one
 * @returns {Promise<{ origin: string, port: number, close: () => Promise<void> }>}
 */
export async function listen(server, port = 0) {
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${address.port}`, port: address.port, close };
}

/** A port that was free a moment ago. */
export async function freePort() {
  const { createServer } = await import("node:http");
  const { port, close } = await listen(createServer());
  await close();
  return port;
}
