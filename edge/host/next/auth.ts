import type { NextAuthConfig } from "next-auth";
import type { JWT } from "next-auth/jwt";
import type { AssembledGateway } from "../../create-gateway";
import { claimsFromAccount, withoutTokens } from "../../session/auth-callbacks";
import type { SessionClaims } from "../../session/session";
import { AUTH_BASE_PATH } from "./paths";
import { type GatewaySources, nextRuntime } from "./runtime";
import { sessionFor } from "./session-for";

/**
 * The whole Auth.js configuration: the app's own, with the gateway's session cookie, codec, callbacks and events.
 *
 * ```ts
 * export const { handlers, auth, signIn, signOut } = NextAuth(withGateway({ auth: authConfig, gateway: gatewayConfig }));
 * ```
 *
 * @param extra - what only the Node side has, e.g. a database adapter; it never reaches the edge bundle
 * @returns a lazy configuration, as `NextAuth()` takes it: settings are read at run time
 */
export function withGateway(sources: GatewaySources, extra: Partial<NextAuthConfig> = {}): () => NextAuthConfig {
  return () => {
    const { gateway, auth } = nextRuntime(sources);
    const own = {
      ...auth,
      ...extra,
      callbacks: { ...auth.callbacks, ...extra.callbacks },
      events: { ...auth.events, ...extra.events },
    };
    const { style, maxAgeSeconds } = gateway.writer.codec;
    return {
      ...own,
      basePath: AUTH_BASE_PATH,
      secret: [...gateway.settings.secrets],
      // AUTH_URL alone decides, never a forwarded header: a request can't choose its cookie names.
      trustHost: true,
      useSecureCookies: gateway.settings.secure,
      session: { ...own.session, strategy: "jwt", maxAge: maxAgeSeconds },
      cookies: {
        ...own.cookies,
        sessionToken: {
          name: style.name,
          options: { httpOnly: true, secure: style.secure, sameSite: style.sameSite, path: "/" },
        },
      },
      jwt: codecFor(gateway, own.jwt),
      callbacks: { ...own.callbacks, ...callbacksFor(own) },
      events: { ...own.events, signOut: (message) => signedOut(gateway, { message, own: own.events }) },
      logger: own.logger ?? quietLogger(gateway),
    };
  };
}

/** What an app's `callbacks.jwt` sees, and can change: not the gateway's claims, which are put back afterwards. */
function withheld(claims: JWT): JWT {
  return claims.gateway ? (withoutTokens(claims as unknown as SessionClaims) as unknown as JWT) : claims;
}

/** Auth.js asks it for the session cookie; state, PKCE and nonce cookies go by Auth.js's own (`@auth/core` 0.41). */
function codecFor({ writer }: AssembledGateway, own: NextAuthConfig["jwt"]): NonNullable<NextAuthConfig["jwt"]> {
  return {
    ...own,
    encode: ({ token }) => writer.sealNew(token as unknown as SessionClaims),
    decode: async ({ token }) => (token ? ((await writer.codec.open(token)) as JWT | null) : null),
  };
}

type Callbacks = NonNullable<NextAuthConfig["callbacks"]>;

/** The gateway's claims pass by the app's callbacks untouched: a `session.update()` from the browser can't change them. */
function callbacksFor({ callbacks: own, adapter }: Partial<NextAuthConfig>): Pick<Callbacks, "jwt" | "session"> {
  return {
    async jwt(params) {
      const { account, token: claims } = params;
      const kept = account ? claimsFromAccount(account, Date.now()) : claims.gateway;
      // Without a database Auth.js makes up a new user id at each sign-in; the provider's is the one that stays.
      if (account && !adapter) claims.sub = account.providerAccountId;
      const token = own?.jwt ? await own.jwt({ ...params, token: withheld(claims) }) : claims;
      return token && { ...token, gateway: kept };
    },
    async session(params) {
      return sessionFor(params.token as unknown as SessionClaims, {
        expires: String(params.session.expires),
        callback: own?.session,
        nowMs: Date.now(),
      });
    },
  };
}

async function signedOut(
  gateway: AssembledGateway,
  { message, own }: { message: Parameters<SignOutEvent>[0]; own: NextAuthConfig["events"] },
): Promise<void> {
  const claims = "token" in message ? (message.token as unknown as SessionClaims | null) : null;
  if (claims) await gateway.signOut(claims.gateway);
  const params = claims ? { token: withoutTokens(claims) as unknown as JWT } : message;
  await own?.signOut?.(params);
}

type SignOutEvent = NonNullable<NonNullable<NextAuthConfig["events"]>["signOut"]>;

/** Auth.js's default logger prints causes whole, provider answers among them; names are enough to look them up. */
function quietLogger({ log }: AssembledGateway): NonNullable<NextAuthConfig["logger"]> {
  return {
    error: (error) => log({ level: levelOf(error), event: "auth_error", type: typeOf(error), cause: causeName(error) }),
    warn: (code) => log({ level: "warn", event: "auth_warning", name: code }),
    debug: () => {},
  };
}

/** A user who cancels at the provider, or comes back too late, is nobody's fault; Auth.js calls such errors `signIn`. */
function levelOf(error: Error): "error" | "warn" {
  return "kind" in error && error.kind === "signIn" ? "warn" : "error";
}

/** Auth.js's errors carry their type; class names are minified away in a build. */
function typeOf(error: Error): string {
  return "type" in error ? String(error.type) : error.name;
}

function causeName({ cause }: Error): string | undefined {
  const inner = cause instanceof Error ? cause : (cause as { err?: unknown } | undefined)?.err;
  if (!(inner instanceof Error)) return undefined;
  return "setting" in inner ? inner.message : inner.name;
}
