import { auth, getAccessToken } from "@/auth";

/** One visitor's answer: no cache may keep it. */
const PRIVATE = { "cache-control": "private, no-store" };

/** An API of this app's own, for signed-in users. It may use the access token; it must not hand it out. */
export async function GET(): Promise<Response> {
  const session = await auth();
  if (!session) {
    const problem = { type: "about:blank", title: "Sign in to use this API.", status: 401, code: "session_required" };
    return Response.json(problem, {
      status: 401,
      headers: { ...PRIVATE, "content-type": "application/problem+json" },
    });
  }
  const token = await getAccessToken();
  return Response.json(
    {
      user: session.user,
      hasAccessToken: token.ok,
      accessTokenExpiresAtSeconds: token.ok ? token.expiresAtSeconds : null,
    },
    { headers: PRIVATE },
  );
}
