import type { Metadata } from "next";
import { auth } from "@/auth";
import { JsonView } from "../ui/json-view";
import { SignIn } from "../ui/sign-in";
import { callBackend } from "./call-backend";

export const metadata: Metadata = { title: "Server Component" };

export default async function ServerExample() {
  const session = await auth();
  return (
    <>
      <h1>Server Component</h1>
      <p className="lead">
        <code>auth()</code> reads the session, <code>getAccessToken()</code> the token. This page was made on the
        server, which called the backend itself; the token stayed there.
      </p>
      <section className="card" aria-labelledby="session-title">
        <h2 id="session-title">The session</h2>
        <JsonView value={session} label="Session" testId="session-json" />
      </section>
      <section className="card" aria-labelledby="answer-title">
        <h2 id="answer-title">The backend’s answer</h2>
        {session ? (
          <Answer />
        ) : (
          <>
            <p>Sign in to have the server call the backend for you.</p>
            <SignIn />
          </>
        )}
      </section>
    </>
  );
}

async function Answer() {
  const call = await callBackend("echo");
  if (!call.ok) {
    return (
      <p className="notice" data-testid="server-answer">
        No answer: <code>{call.reason}</code>
      </p>
    );
  }
  return (
    <>
      <p className="status">Status {call.status}</p>
      <JsonView value={call.body} label="Answer" testId="server-answer" />
    </>
  );
}
