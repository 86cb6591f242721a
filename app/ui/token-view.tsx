"use client";

import { useRouter } from "next/navigation";
import type { Session } from "next-auth";
import { type ReactNode, useEffect, useState } from "react";
import { useLiveSession } from "./use-live-session";

interface TokenViewProps {
  session: Session;
  /** The server's clock at rendering, milliseconds since the epoch. */
  nowMs: number;
  /** Shown when only a new sign-in helps. */
  signIn: ReactNode;
}

/** What the browser may know of the access token, live: its provider, its generation, and how long it lasts. */
export function TokenView({ session: initial, nowMs: initialNowMs, signIn }: TokenViewProps) {
  const { session, nowMs } = useLiveSession({ session: initial, nowMs: initialNowMs });
  const router = useRouter();
  const isOver = session === null;
  // The header and the buttons are the server's; it renders them for a visitor who is not signed in.
  useEffect(() => {
    if (isOver) router.refresh();
  }, [isOver, router]);

  if (session === null || session.error === "sign_in_required") {
    return (
      <div className="notice" role="alert">
        <p>
          {session === null
            ? "Your session has ended."
            : "The access token has expired, and the provider gave nothing to renew it with."}{" "}
          Sign in again to call the backend.
        </p>
        {signIn}
      </div>
    );
  }
  return <TokenFacts gateway={session.gateway} nowMs={nowMs} />;
}

function TokenFacts({ gateway, nowMs }: { gateway: Session["gateway"]; nowMs: number }) {
  const { provider, generation, accessTokenExpiresAtSeconds } = gateway;
  const remaining =
    accessTokenExpiresAtSeconds === null ? null : Math.max(0, Math.ceil(accessTokenExpiresAtSeconds - nowMs / 1000));
  return (
    <>
      <dl className="facts">
        <div>
          <dt>Provider</dt>
          <dd>{provider}</dd>
        </div>
        <div>
          <dt>Generation</dt>
          <dd data-testid="generation">{generation}</dd>
        </div>
        <div>
          <dt>Seconds left</dt>
          <dd data-testid="remaining-seconds">{remaining ?? "unknown"}</dd>
        </div>
      </dl>
      {remaining !== null && <Countdown key={generation} remaining={remaining} />}
      {remaining === 0 && <p className="quiet">Expired. The gateway renews it as soon as the provider answers.</p>}
      {/* Speaks once a refresh; a live countdown would speak every second. */}
      <p className="visually-hidden" aria-live="polite">
        Access token generation {generation}
      </p>
    </>
  );
}

/** The page never learns how long a token lives in all: a full bar is what was left when it first saw this one. */
function Countdown({ remaining }: { remaining: number }) {
  const [first] = useState(Math.max(remaining, 1));
  return (
    <progress aria-label="Time left of the access token" value={remaining} max={first}>
      {remaining} seconds
    </progress>
  );
}
