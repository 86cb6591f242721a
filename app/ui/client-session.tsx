"use client";

import { SessionProvider, signIn, signOut, useSession } from "next-auth/react";
import { JsonView } from "./json-view";
import { userLabel } from "./user-label";

/** An app with many Client Components puts the `SessionProvider` into its layout; here only this page needs it. */
export function ClientSession() {
  return (
    <SessionProvider>
      <SessionPanel />
    </SessionProvider>
  );
}

function SessionPanel() {
  const { data: session, status } = useSession();
  if (status === "loading") return <p role="status">Loading the session…</p>;
  if (!session) {
    return (
      <>
        <p role="status">You are not signed in.</p>
        <button type="button" className="primary" data-testid="sign-in" onClick={() => void signIn()}>
          Sign in
        </button>
      </>
    );
  }
  return (
    <>
      <p role="status">Signed in as {userLabel(session.user)}.</p>
      <JsonView value={session} label="Session" testId="session-json" />
      <button type="button" data-testid="sign-out" onClick={() => void signOut()}>
        Sign out
      </button>
    </>
  );
}
