"use client";

import type { Session } from "next-auth";
import { useEffect, useState } from "react";

const TICK_MS = 1_000;
/** Each question goes through the middleware, which refreshes a token that is due. */
const POLL_MS = 3_000;

/** A session that keeps up with the server. */
export interface LiveSession {
  /** Null once the server says that it has ended. */
  session: Session | null;
  /** The clock, moving once a second: milliseconds since the epoch. */
  nowMs: number;
}

/**
 * Asks for the session every few seconds while the page is visible.
 *
 * @param initial - the session and the time as the server rendered them, so that hydration finds the same text
 */
export function useLiveSession(initial: { session: Session; nowMs: number }): LiveSession {
  const [session, setSession] = useState<Session | null>(initial.session);
  const [nowMs, setNowMs] = useState(initial.nowMs);
  const isOver = session === null;

  useEffect(() => {
    if (isOver) return;
    const stop = new AbortController();
    let askedAtMs = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      setNowMs(now);
      if (document.visibilityState !== "visible" || now - askedAtMs < POLL_MS) return;
      askedAtMs = now;
      void readSession(stop.signal).then((answer) => {
        if (answer !== undefined && !stop.signal.aborted) setSession(answer);
      });
    }, TICK_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [isOver]);

  return { session, nowMs };
}

/**
 * `getSession()` of `next-auth/react` answers null both for "signed out" and for "could not ask"; a short outage must
 * not look like a sign-out.
 *
 * @returns undefined when the server could not be asked
 */
async function readSession(signal: AbortSignal): Promise<Session | null | undefined> {
  try {
    const response = await fetch("/api/auth/session", { cache: "no-store", signal });
    return response.ok ? ((await response.json()) as Session | null) : undefined;
  } catch {
    return undefined;
  }
}
