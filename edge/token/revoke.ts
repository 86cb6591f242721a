import * as oauth from "oauth4webapi";
import { type FindEndpoints, type Provider, type ProviderTransport, requestOptions } from "./provider";
import type { TokenSet } from "./token-set";

/** `unsupported`: the provider has no revocation endpoint, or the session no refresh token. */
export type RevocationOutcome = "revoked" | "unsupported" | "failed";

/**
 * Revokes the refresh token, and by RFC 7009 section 2.1 the grant behind it. Never throws for what a provider does.
 */
export async function revokeRefreshToken(options: {
  provider: Provider;
  tokens: TokenSet;
  findEndpoints: FindEndpoints;
  transport: ProviderTransport;
}): Promise<RevocationOutcome> {
  const { provider, tokens, findEndpoints, transport } = options;
  if (tokens.refreshToken === null) return "unsupported";
  try {
    const { server, client, authentication } = await findEndpoints(provider);
    if (!server.revocation_endpoint) return "unsupported";
    const response = await oauth.revocationRequest(server, client, authentication, tokens.refreshToken, {
      additionalParameters: { token_type_hint: "refresh_token" },
      ...requestOptions(new URL(server.revocation_endpoint), transport),
    });
    await oauth.processRevocationResponse(response);
    return "revoked";
  } catch {
    return "failed";
  }
}
