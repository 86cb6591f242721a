import type { ReactNode } from "react";
import type { GatewayError } from "@/edge/client/gateway-fetch";
import type { BackendResult } from "./call-backend";
import { JsonView } from "./json-view";

interface BackendAnswerProps {
  result: BackendResult | null;
  isPending: boolean;
  /** Shown when the gateway asks for a sign-in. */
  signIn: ReactNode;
}

/** The right-hand side of the panel: the status, spoken by screen readers when it changes, and what came back. */
export function BackendAnswer({ result, isPending, signIn }: BackendAnswerProps) {
  return (
    <>
      <p className="status" role="status" data-testid="backend-status" data-kind={result?.kind}>
        {isPending ? "Waiting for the answer…" : statusText(result)}
      </p>
      {result?.kind === "answered" && <JsonView value={result.body} label="Answer" testId="backend-answer" />}
      {result?.kind === "failed" && (
        <p className="notice" data-testid="backend-answer">
          {result.message}
        </p>
      )}
      {result?.kind === "refused" && <Refusal error={result.error} signIn={signIn} />}
    </>
  );
}

function statusText(result: BackendResult | null): string {
  if (!result) return "No answer yet.";
  if (result.kind === "answered") return `Status ${result.status}`;
  if (result.kind === "failed") return "No answer";
  return `Status ${result.error.status}: ${result.error.code}`;
}

/** The gateway answered instead of the backend: which code, and what to do about it. */
function Refusal({ error, signIn }: { error: GatewayError; signIn: ReactNode }) {
  return (
    <div className="notice" data-testid="backend-answer">
      <p>
        <strong>{error.message}</strong> <span>{advice(error)}</span>
      </p>
      <p className="quiet">
        The gateway answered in the backend’s place. Its code: <code>{error.code}</code>
      </p>
      {error.needsSignIn && signIn}
    </div>
  );
}

function advice(error: GatewayError): string {
  if (error.needsSignIn) return "Without a session there is no token to add.";
  if (error.code === "misconfigured") return "The server’s log names the setting to mend.";
  if (error.retryAfterSeconds !== null) return `Wait ${error.retryAfterSeconds} s first; you stay signed in.`;
  if (error.isTransient) return "Try again; you stay signed in.";
  if (error.status >= 500) return "The server’s log says more.";
  return "Change the request: its method, path or size.";
}
