import { GatewayError, gatewayFetch } from "@/edge/client/gateway-fetch";
import { formatBody } from "./format-body";

const TIMEOUT_MS = 30_000;

/** What the script asked the browser to send. */
export interface SentRequest {
  method: string;
  path: string;
}

/** What became of a call. */
export type BackendResult =
  /** The backend's own answer, whatever its status. */
  | { kind: "answered"; status: number; body: string }
  /** The gateway's own problem. */
  | { kind: "refused"; error: GatewayError }
  /** No answer at all. */
  | { kind: "failed"; message: string };

/** Calls the backend and reads the whole answer. Never throws. */
export async function callBackend({ method, path }: SentRequest): Promise<BackendResult> {
  try {
    const response = await gatewayFetch(path, { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { kind: "answered", status: response.status, body: formatBody(await response.text()) };
  } catch (error) {
    if (error instanceof GatewayError) return { kind: "refused", error };
    return { kind: "failed", message: error instanceof Error ? error.message : "Unknown failure" };
  }
}
