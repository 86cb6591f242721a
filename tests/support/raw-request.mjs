import { request } from "node:http";

/**
 * One HTTP request with exactly this target and these headers: no URL parser repairs anything on the way.
 *
 * @param {{ port: number, path: string, method?: string, headers?: Record<string, string | number | string[]>,
 *   body?: Buffer | string }} options `port` on loopback
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, body: string }>}
 */
export function rawRequest({ port, path, method = "GET", headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers }, (incoming) => {
      let text = "";
      incoming.on("data", (chunk) => {
        text += chunk;
      });
      incoming.on("end", () => resolve({ status: incoming.statusCode, headers: incoming.headers, body: text }));
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/**
 * Sends a GET and waits for nothing.
 *
 * @param {{ port: number, path: string, headers: Record<string, string> }} options
 * @returns {() => void} goes away as a browser that is killed does, with an RST: workerd takes a FIN for half a close
 */
export function openRequest({ port, path, headers }) {
  const outgoing = request({ host: "127.0.0.1", port, path, headers });
  outgoing.on("error", () => {});
  outgoing.end();
  return () => outgoing.socket?.resetAndDestroy();
}
