import type { Metadata } from "next";
import { ApiCall } from "../ui/api-call";

export const metadata: Metadata = { title: "Route handler" };

export default function ApiExample() {
  return (
    <>
      <h1>Route handler</h1>
      <p className="lead">
        <code>/api/protected</code> is an API of this app’s own. It asks <code>auth()</code> who calls: signed out, you
        get a 401; signed in, what it knows of you.
      </p>
      <section className="card" aria-labelledby="call-title">
        <h2 id="call-title">Call it</h2>
        <ApiCall />
      </section>
    </>
  );
}
