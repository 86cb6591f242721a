import type { RequestContext } from "../../gateway";

/** workerd's own members for sockets: https://developers.cloudflare.com/workers/runtime-apis/websockets/ */
interface UpgradedResponse extends Response {
  webSocket?: unknown;
}

/** RFC 6455 section 4.1. Anything else in `Upgrade` (`h2c`) is refused: it would be dropped on the way without a sign. */
export function isWebSocketUpgrade(request: Request): boolean {
  return request.method === "GET" && request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Opens the backend's end of a WebSocket and gives it to the client; from then on workerd carries the messages itself.
 *
 * @returns the backend's own answer when it does not switch protocols
 */
export const upgradeWebSocket: NonNullable<RequestContext["upgrade"]> = async (url, { headers, signal }) => {
  const upgrade = new Headers(headers);
  upgrade.set("upgrade", "websocket");
  const upstream: UpgradedResponse = await fetch(url, { headers: upgrade, redirect: "manual", signal });
  if (!upstream.webSocket) return upstream;
  const protocol = upstream.headers.get("sec-websocket-protocol");
  const answered: Record<string, string> = protocol === null ? {} : { "sec-websocket-protocol": protocol };
  const init = { status: 101, webSocket: upstream.webSocket, headers: answered };
  return new Response(null, init);
};
