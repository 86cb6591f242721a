import type { Metadata } from "next";
import { ClientSession } from "../ui/client-session";

export const metadata: Metadata = { title: "Client Component" };

export default function ClientExample() {
  return (
    <>
      <h1>Client Component</h1>
      <p className="lead">
        <code>useSession()</code> shows the browser’s view of the session. It names the provider and the token’s end,
        and never holds a token.
      </p>
      <section className="card" aria-labelledby="session-title">
        <h2 id="session-title">The session</h2>
        <ClientSession />
      </section>
    </>
  );
}
