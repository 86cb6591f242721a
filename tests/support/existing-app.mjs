import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildSmallApp } from "../../scripts/small-app.mjs";

const ROOT = resolve(import.meta.dirname, "../..");

/** An Auth.js app as its own documentation starts one: a static configuration, callbacks of its own. */
const AUTH_CONFIG = `
import type { NextAuthConfig } from "next-auth";
declare module "next-auth" { interface Session { team?: unknown } }
export default {
  providers: [{
    id: "company", name: "Company", type: "oidc", issuer: process.env.AUTH_COMPANY_ISSUER, checks: ["pkce", "state"],
    authorization: { params: { scope: "openid offline_access", prompt: "consent" } },
  }],
  callbacks: {
    authorized: ({ auth, request }) => request.nextUrl.pathname !== "/members" || !!auth,
    jwt({ token, account }) { if (account) token.team = "blue"; return token; },
    session({ session, token }) { session.team = token.team; return session; },
  },
} satisfies NextAuthConfig;`;

/** What `create-next-app` writes. */
const TSCONFIG = {
  compilerOptions: {
    target: "ES2017",
    lib: ["dom", "dom.iterable", "esnext"],
    allowJs: true,
    skipLibCheck: true,
    strict: true,
    noEmit: true,
    esModuleInterop: true,
    module: "esnext",
    moduleResolution: "bundler",
    resolveJsonModule: true,
    isolatedModules: true,
    jsx: "react-jsx",
    incremental: true,
    plugins: [{ name: "next" }],
  },
  include: ["next-env.d.ts", "**/*.ts", "**/*.tsx", ".next/types/**/*.ts"],
  exclude: ["node_modules"],
};

/** What docs/existing-app.md adds or changes, file by file. */
const ADDED = {
  "gateway.config.ts": `
import { defineGateway } from "./edge";
export default defineGateway((env) => ({ backends: { "/backend/": { url: env.BACKEND_URL, urlSetting: "BACKEND_URL" } } }));`,
  "auth.ts": `
import NextAuth from "next-auth";
import authConfig from "./auth.config";
import { accessTokenReader } from "./edge/host/next/access-token";
import { withGateway } from "./edge/host/next/auth";
import gatewayConfig from "./gateway.config";
const sources = { auth: authConfig, gateway: gatewayConfig };
export const { handlers, auth, signIn, signOut } = NextAuth(withGateway(sources));
export const getAccessToken = accessTokenReader(sources);`,
  "instrumentation.ts": `
import authConfig from "./auth.config";
import gatewayConfig from "./gateway.config";
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { registerGateway } = await import("./edge/host/next/instrumentation");
  registerGateway({ auth: authConfig, gateway: gatewayConfig });
}`,
  "app/api/auth/[...nextauth]/route.ts": `
import { handlers } from "../../../../auth";
export const { GET, POST } = handlers;`,
  "app/members/page.tsx": `
import { auth } from "../../auth";
export default async function Members() { return <p>{JSON.stringify(await auth())}</p>; }`,
};

const MIDDLEWARE = `
import authConfig from "./auth.config";
import { gatewayMiddleware } from "./edge/host/next/middleware";
import gatewayConfig from "./gateway.config";
export default gatewayMiddleware({ auth: authConfig, gateway: gatewayConfig });
export const config = { matcher: ["/((?!_next/static|_next/image|favicon\\\\.ico$).*)"] };`;

/** Builds that app with the gateway in it, in a folder of its own. @returns {{ folder: string, remove: () => void }} */
export function buildExistingApp() {
  const folder = mkdtempSync(join(ROOT, ".size-existing-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  cpSync(join(ROOT, "edge"), join(folder, "edge"), { recursive: true });
  buildSmallApp(folder, {
    root: ROOT,
    middleware: MIDDLEWARE,
    files: {
      "auth.config.ts": AUTH_CONFIG,
      "tsconfig.json": JSON.stringify(TSCONFIG),
      ...ADDED,
    },
  });
  return { folder, remove };
}
