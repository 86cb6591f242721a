import "server-only";
import { cookies } from "next/headers";
import { type GatewaySources, nextRuntime } from "./runtime";

/** A usable access token, or why there is none. `provider_unavailable`: it has expired, and could not be refreshed now. */
export type AccessTokenResult =
  | { ok: true; accessToken: string; expiresAtSeconds: number | null; scope: string | null; tokenType: "Bearer" }
  | { ok: false; code: "session_required" | "session_expired" | "provider_unavailable" | "ledger_unavailable" };

/**
 * Makes `getAccessToken()` for server code: Server Components, route handlers, Server Actions. The middleware has
 * freshened the session of this very request, so nothing is refreshed here. The build fails if a Client Component
 * imports it.
 */
export function accessTokenReader(sources: GatewaySources): () => Promise<AccessTokenResult> {
  return async () => {
    const { gateway } = nextRuntime(sources);
    const { codec } = gateway.writer;
    const all = (await cookies()).getAll();
    const claims = await codec.read(all.map(({ name, value }) => [name, value] as const));
    if (!claims) return { ok: false, code: "session_required" };
    const { sid } = claims.gateway;
    const known = claims.gateway.tokens ? null : await gateway.ledger.read(sid);
    if (known?.status === "unavailable") return { ok: false, code: "ledger_unavailable" };
    const tokens = claims.gateway.tokens ?? (known?.status === "live" ? known.entry.tokens : null);
    if (!tokens) return { ok: false, code: "session_expired" };
    const { accessToken, expiresAtSeconds, scope, refreshToken } = tokens;
    if (expiresAtSeconds !== null && expiresAtSeconds * 1000 <= Date.now()) {
      return { ok: false, code: refreshToken === null ? "session_expired" : "provider_unavailable" };
    }
    return { ok: true, accessToken, expiresAtSeconds, scope, tokenType: "Bearer" };
  };
}
