import type { NextAuthConfig } from "next-auth";
import Discord from "next-auth/providers/discord";
import GitHub from "next-auth/providers/github";
import Google from "next-auth/providers/google";
import Okta from "next-auth/providers/okta";
import { type Env, httpUrl } from "./edge";

type Providers = NextAuthConfig["providers"];

/** A refresh token is asked for by default, or a session would end with its first access token. */
const DEFAULT_SCOPE = "openid profile email offline_access";

/**
 * The providers that the environment turns on: each one whose `AUTH_<NAME>_ID` is set. `.env.example` lists them.
 *
 * @throws {ConfigError} naming the variable that is missing or malformed
 */
export function providersFromEnv(env: Env): Providers {
  const providers: Providers = [];
  if (env.AUTH_OIDC_ID) providers.push(openIdProvider(env, env.AUTH_OIDC_ID));
  if (env.AUTH_OKTA_ID) {
    httpUrl(env, "AUTH_OKTA_ISSUER");
    providers.push(Okta({ ...credentials(env, "OKTA"), authorization: { params: { scope: DEFAULT_SCOPE } } }));
  }
  if (env.AUTH_GOOGLE_ID) {
    // Google's own way to ask for a refresh token: https://developers.google.com/identity/protocols/oauth2/web-server
    const params = { access_type: "offline", prompt: "consent" };
    providers.push(Google({ ...credentials(env, "GOOGLE"), authorization: { params } }));
  }
  if (env.AUTH_GITHUB_ID) providers.push(GitHub(credentials(env, "GITHUB")));
  if (env.AUTH_DISCORD_ID) providers.push(Discord(credentials(env, "DISCORD")));
  return providers;
}

function openIdProvider(env: Env, clientId: string): Providers[number] {
  httpUrl(env, "AUTH_OIDC_ISSUER");
  const clientSecret = env.AUTH_OIDC_SECRET;
  const scope = env.AUTH_OIDC_SCOPE || DEFAULT_SCOPE;
  // OpenID Connect Core section 11: without consent the provider must ignore offline_access.
  const prompt = scope.split(" ").includes("offline_access") ? { prompt: "consent" } : {};
  return {
    id: "oidc",
    name: "OpenID",
    type: "oidc",
    issuer: env.AUTH_OIDC_ISSUER as string,
    clientId,
    ...(clientSecret ? { clientSecret } : {}),
    client: { token_endpoint_auth_method: clientSecret ? "client_secret_basic" : "none" },
    authorization: { params: { scope, ...prompt } },
    checks: ["pkce", "state", "nonce"],
    // Auth.js's sign-in page would fetch a logo from its own site.
    style: { logo: "/icon.svg" },
  };
}

function credentials(env: Env, name: string): { clientId?: string; clientSecret?: string; issuer?: string } {
  const [clientId, clientSecret, issuer] = ["ID", "SECRET", "ISSUER"].map((part) => env[`AUTH_${name}_${part}`]);
  return { ...(clientId && { clientId }), ...(clientSecret && { clientSecret }), ...(issuer && { issuer }) };
}
