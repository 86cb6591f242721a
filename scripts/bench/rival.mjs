import { join } from "node:path";
import { buildSmallApp } from "../small-app.mjs";

/** What the Auth.js documentation suggests for a backend that wants the token. */
const MIDDLEWARE = `
import { getToken } from "next-auth/jwt";
import { NextResponse } from "next/server";

export default async function middleware(request) {
  const token = await getToken({ req: request, secret: process.env.AUTH_SECRET, salt: "authjs.session-token", cookieName: "authjs.session-token" });
  if (!token) return new Response(null, { status: 401 });
  const headers = new Headers(request.headers);
  headers.set("authorization", "Bearer " + token.gateway.tokens.accessToken);
  headers.delete("cookie");
  const { pathname, search } = request.nextUrl;
  return NextResponse.rewrite(new URL(pathname.slice("/backend".length) + search, process.env.BACKEND_URL), { request: { headers } });
}
export const config = { matcher: ["/backend/:path*"] };
`;

/**
 * Builds an app with that middleware.
 *
 * @param {string} root the project
 * @param {string} scratch a folder inside the project
 * @returns {string} the app's folder
 */
export function buildRival(root, scratch) {
  const folder = join(scratch, "rival");
  buildSmallApp(folder, { root, middleware: MIDDLEWARE });
  return folder;
}
