import type { NextAuthConfig } from "next-auth";
import { ConfigError } from "../../problem";
import { type Env, parseHttpUrl } from "../../settings";
import type { Provider } from "../../token/provider";

/** The members of an Auth.js provider that matter here, after its defaults and the user's options are merged. */
interface MergedProvider {
  id: string;
  type: string;
  clientId?: string;
  clientSecret?: string;
  issuer?: string;
  token?: string | { url?: string };
  revocation?: string;
  client?: { token_endpoint_auth_method?: string };
}

/**
 * The providers of an Auth.js configuration, as the refresh needs them. Client id, secret and issuer default to
 * `AUTH_<ID>_ID`, `_SECRET` and `_ISSUER`, as in Auth.js. Providers that give no tokens (e-mail, passkeys) are left out.
 *
 * @throws {ConfigError} naming the provider that can't be refreshed as configured
 */
export function readProviders(providers: NextAuthConfig["providers"], env: Env): Provider[] {
  return providers
    .map(merge)
    .filter(isOAuth)
    .map((provider) => readProvider(provider, env));
}

function merge(source: NextAuthConfig["providers"][number]): MergedProvider {
  const { options, ...defaults } = (typeof source === "function" ? source() : source) as MergedProvider & {
    options?: Partial<MergedProvider>;
  };
  return { ...defaults, ...options, client: { ...defaults.client, ...options?.client } };
}

function isOAuth({ type }: MergedProvider): boolean {
  return type === "oidc" || type === "oauth";
}

function readProvider(merged: MergedProvider, env: Env): Provider {
  const prefix = `AUTH_${merged.id.toUpperCase().replaceAll("-", "_")}`;
  const clientId = merged.clientId ?? env[`${prefix}_ID`];
  if (!clientId) throw new ConfigError(`${prefix}_ID`, "is missing");
  const clientSecret = merged.clientSecret ?? env[`${prefix}_SECRET`];
  const issuer = merged.issuer ?? env[`${prefix}_ISSUER`];
  const tokenEndpoint = typeof merged.token === "string" ? merged.token : merged.token?.url;
  for (const [name, url] of Object.entries({ issuer, token: tokenEndpoint, revocation: merged.revocation })) {
    if (url) parseHttpUrl(url, `providers: ${merged.id}: ${name}`);
  }
  if (!tokenEndpoint && !issuer) throw new ConfigError(`${prefix}_ISSUER`, "is missing");
  const clientAuthentication = authenticationOf(merged, clientSecret);
  if (clientAuthentication !== "none" && !clientSecret) throw new ConfigError(`${prefix}_SECRET`, "is missing");
  return {
    id: merged.id,
    clientId,
    clientSecret,
    clientAuthentication,
    issuer,
    discovery: merged.type === "oidc" ? "oidc" : "oauth2",
    tokenEndpoint,
    revocationEndpoint: merged.revocation,
  };
}

/** Auth.js 5's default is `client_secret_basic` (RFC 8414 section 2 has the same). */
function authenticationOf(merged: MergedProvider, clientSecret: string | undefined): Provider["clientAuthentication"] {
  const method = merged.client?.token_endpoint_auth_method ?? (clientSecret ? "client_secret_basic" : "none");
  if (method === "client_secret_basic" || method === "client_secret_post" || method === "none") return method;
  throw new ConfigError(`providers: ${merged.id}`, "must use client_secret_basic, client_secret_post or none");
}
