import { auth } from "@/auth";
import { BackendPanel } from "./ui/backend-panel";
import { Flow } from "./ui/flow";
import { signOutAction } from "./ui/session-actions";
import { SignIn } from "./ui/sign-in";
import { TokenView } from "./ui/token-view";

export default async function Home() {
  const session = await auth();
  return (
    <>
      <section className="hero">
        <h1>Your access token never reaches the browser</h1>
        <p className="lead">
          This page calls an API with plain <code>fetch</code>. On the way, the middleware opens your encrypted session
          cookie, renews the access token when it is due, and adds it to the request.
        </p>
        {session ? (
          <form action={signOutAction}>
            <button type="submit" data-testid="sign-out">
              Sign out
            </button>
          </form>
        ) : (
          <SignIn />
        )}
      </section>

      <Flow />

      {session && (
        <section className="card" aria-labelledby="token-title">
          <h2 id="token-title">Your access token</h2>
          <p className="quiet">
            All that the browser knows of it. The page asks for the session every few seconds; shortly before the end
            the gateway gets a new token, and the generation grows by one.
          </p>
          <TokenView session={session} nowMs={Date.now()} signIn={<SignIn testId="sign-in-again" />} />
        </section>
      )}

      <section className="card" aria-labelledby="call-title">
        <h2 id="call-title">Call the backend</h2>
        <p className="quiet">
          Any path below <code>/backend/</code> goes to your API. The demo’s answers with what it received, the token
          blanked out.
        </p>
        <BackendPanel signIn={<SignIn testId="sign-in-again" />} />
      </section>
    </>
  );
}
