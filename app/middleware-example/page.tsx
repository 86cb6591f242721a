import type { Metadata } from "next";
import { auth } from "@/auth";
import { JsonView } from "../ui/json-view";

export const metadata: Metadata = { title: "Protected page" };

export default async function MiddlewareExample() {
  const session = await auth();
  return (
    <>
      <h1>Protected page</h1>
      <p className="lead">
        <code>callbacks.authorized</code> in <code>auth.config.ts</code> lets only signed-in visitors come here; the
        middleware sends all others to the sign-in page.
      </p>
      <section className="card" aria-labelledby="session-title">
        <h2 id="session-title">The session</h2>
        <JsonView value={session} label="Session" testId="session-json" />
      </section>
    </>
  );
}
