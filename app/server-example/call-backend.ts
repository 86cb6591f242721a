import "server-only";
import { getAccessToken } from "@/auth";
import { formatBody } from "../ui/format-body";

const TIMEOUT_MS = 5_000;

/** What a server-side call gave, fit to be shown: the access token is not in it. */
export type ServerCall = { ok: true; status: number; body: string } | { ok: false; reason: string };

/**
 * Calls a backend from the server, with the token of whoever asks for this page. No gateway in between: server code may
 * hold the token itself.
 *
 * @param path - below `BACKEND_URL`, without a leading slash
 */
export async function callBackend(path: string): Promise<ServerCall> {
  const token = await getAccessToken();
  if (!token.ok) return { ok: false, reason: token.code };
  const base = process.env.BACKEND_URL;
  if (!base) return { ok: false, reason: "BACKEND_URL is missing" };
  try {
    const response = await fetch(new URL(path, base.endsWith("/") ? base : `${base}/`), {
      headers: { accept: "application/json", authorization: `Bearer ${token.accessToken}` },
      cache: "no-store",
      // The token is for this backend alone, not for wherever it points to.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = withoutToken(formatBody(await response.text()), token.accessToken);
    return { ok: true, status: response.status, body };
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return { ok: false, reason: isTimeout ? "The backend took too long" : "The backend can't be reached" };
  }
}

/** A backend that echoes its request must not carry the token to the browser after all. */
function withoutToken(text: string, accessToken: string): string {
  return text.replaceAll(accessToken, "[access token]").replaceAll(encodeURIComponent(accessToken), "[access token]");
}
