import * as oauth from "oauth4webapi";
import { ConfigError } from "../problem";
import { type FindEndpoints, type Provider, type ProviderTransport, requestOptions } from "./provider";
import { type TokenResponse, type TokenSet, tokenSetFrom } from "./token-set";

/** How a refresh grant ended. */
export type RefreshOutcome =
  | { status: "refreshed"; tokens: TokenSet }
  /** The provider refused the refresh token for good: RFC 6749 section 5.2 `invalid_grant`. */
  | { status: "rejected" }
  /** Anything else: the session may still be good. `cause` is a code for the log. */
  | { status: "unavailable"; cause: string; retryAfterSeconds?: number };

/** Everything one grant needs. */
export interface RefreshGrantOptions {
  provider: Provider;
  tokens: TokenSet;
  findEndpoints: FindEndpoints;
  transport: ProviderTransport;
}

/**
 * Sends one refresh grant (RFC 6749 section 6) and judges the answer. Never throws for what a provider does.
 */
export async function refreshGrant(options: RefreshGrantOptions): Promise<RefreshOutcome> {
  const { provider, tokens, findEndpoints, transport } = options;
  if (tokens.refreshToken === null) return { status: "rejected" };
  let retryAfterSeconds: number | undefined;
  try {
    const { server, client, authentication } = await findEndpoints(provider);
    const endpoint = new URL(server.token_endpoint ?? "");
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authentication,
      tokens.refreshToken,
      requestOptions(endpoint, transport),
    );
    retryAfterSeconds = retryAfterOf(response);
    const conformed = await conform(response);
    if (conformed.refused) return { status: "rejected" };
    const granted = await oauth.processRefreshTokenResponse(server, client, conformed.response);
    const fresh = tokenSetFrom(
      { ...granted, expires_in: conformed.expiresIn } as TokenResponse,
      tokens,
      transport.nowMs(),
    );
    return fresh ? { status: "refreshed", tokens: fresh } : { status: "unavailable", cause: "unusable_token" };
  } catch (error) {
    return judge(error, retryAfterSeconds);
  }
}

/**
 * Removes from a token response what must not make it fail. Our refresh token is spent by now, so a quirk in a member
 * that we don't need may not cost the session: an odd `expires_in`, an ID token (OIDC Core section 12.2 makes it
 * optional here, and nothing uses it), nulls, a scope that is a list.
 */
async function conform(response: Response): Promise<{ response: Response; expiresIn: unknown; refused: boolean }> {
  if (response.status !== 200) return { response, expiresIn: undefined, refused: false };
  const text = await response.text();
  const headers = { "content-type": response.headers.get("content-type") ?? "" };
  const same = { response: new Response(text, { headers }), expiresIn: undefined, refused: false };
  const json = parseObject(text);
  if (!json) return same;
  // GitHub answers 200 with an error body: https://docs.github.com/apps/…/refreshing-user-access-tokens
  if (typeof json.access_token !== "string") return { ...same, refused: json.error === "bad_refresh_token" };
  const { access_token, token_type, refresh_token, scope, expires_in: expiresIn } = json;
  const members = Object.entries({ access_token, refresh_token, scope });
  const kept = Object.fromEntries(members.filter(([, value]) => typeof value === "string" && value !== ""));
  const body = JSON.stringify({ ...kept, token_type: String(token_type || "bearer") });
  return { response: new Response(body, { headers }), expiresIn, refused: false };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function judge(error: unknown, retryAfterSeconds: number | undefined): RefreshOutcome {
  if (error instanceof ConfigError) throw error;
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  if (error instanceof oauth.ResponseBodyError) {
    if (error.error === "invalid_grant") return { status: "rejected" };
    return { status: "unavailable", cause: KNOWN_ERRORS.has(error.error) ? error.error : "oauth_error", ...wait };
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return { status: "unavailable", cause: "invalid_client", ...wait };
  if (error instanceof oauth.UnsupportedOperationError) return { status: "unavailable", cause: "unusable_token" };
  if (error instanceof oauth.OperationProcessingError) return { status: "unavailable", cause: "bad_response", ...wait };
  if (error instanceof DOMException && error.name === "TimeoutError")
    return { status: "unavailable", cause: "timeout" };
  return { status: "unavailable", cause: "unreachable" };
}

/** RFC 6749 section 5.2, the codes that may stand in a log: a provider's own could be anything. */
const KNOWN_ERRORS = new Set([
  "invalid_request",
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "temporarily_unavailable",
  "server_error",
]);

/** A provider that asks for more than this is not believed: nobody waits longer for a page. */
const MAX_RETRY_AFTER_SECONDS = 60;

function retryAfterOf(response: Response): number | undefined {
  const value = response.headers.get("retry-after");
  return value && /^\d{1,6}$/.test(value) ? Math.min(Math.max(Number(value), 1), MAX_RETRY_AFTER_SECONDS) : undefined;
}
