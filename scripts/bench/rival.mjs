import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
 * @param {string} root the project, for its node_modules
 * @param {string} scratch a folder inside the project
 * @returns {string} the app's folder
 */
export function buildRival(root, scratch) {
  const folder = join(scratch, "rival");
  mkdirSync(join(folder, "app"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write("package.json", '{ "type": "module" }');
  write("next.config.mjs", `export default { turbopack: { root: ${JSON.stringify(root)} } };`);
  write("app/layout.js", "export default ({ children }) => <html><body>{children}</body></html>;");
  write("app/page.js", "export default () => null;");
  write("middleware.js", MIDDLEWARE);
  const next = join(root, "node_modules/next/dist/bin/next");
  const { status, stderr } = spawnSync(process.execPath, [next, "build"], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`the rival did not build: ${stderr.slice(-500)}`);
  return folder;
}
