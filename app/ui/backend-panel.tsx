"use client";

import { type FormEvent, type ReactNode, useState } from "react";
import { BackendAnswer } from "./backend-answer";
import { type BackendResult, callBackend, type SentRequest } from "./call-backend";
import { JsonView } from "./json-view";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * A form that calls the backend, with both ends of the call side by side.
 *
 * @param props - `signIn`: shown when the gateway asks for a sign-in
 */
export function BackendPanel({ signIn }: { signIn: ReactNode }) {
  const [sent, setSent] = useState<SentRequest | null>(null);
  const [result, setResult] = useState<BackendResult | null>(null);
  const isPending = sent !== null && result === null;

  async function send(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isPending) return;
    const form = new FormData(event.currentTarget);
    const request = { method: String(form.get("method")), path: String(form.get("path")) };
    setSent(request);
    setResult(null);
    setResult(await callBackend(request));
  }

  return (
    <>
      <form className="call-form" onSubmit={send}>
        <label>
          Method
          <select name="method">
            {METHODS.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </select>
        </label>
        <label className="grows">
          Path
          <input
            name="path"
            defaultValue="/backend/echo"
            required
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            data-testid="backend-path"
          />
        </label>
        {/* aria-disabled, not disabled: the button keeps the focus while the answer is on its way. */}
        <button type="submit" className="primary" aria-disabled={isPending} data-testid="backend-send">
          {isPending ? "Sending…" : "Send"}
        </button>
      </form>
      <div className="columns">
        <section aria-labelledby="browser-sent-title">
          <h3 id="browser-sent-title">What the browser sent</h3>
          <BrowserSent sent={sent} />
        </section>
        <section aria-labelledby="backend-answer-title" aria-busy={isPending}>
          <h3 id="backend-answer-title">What the backend received</h3>
          <BackendAnswer result={result} isPending={isPending} signIn={signIn} />
        </section>
      </div>
    </>
  );
}

function BrowserSent({ sent }: { sent: SentRequest | null }) {
  if (!sent) return <p className="quiet">Nothing yet. Press Send.</p>;
  const headers = { "x-gateway-request": "1" };
  return (
    <>
      <JsonView value={{ method: sent.method, url: sent.path, headers }} label="Request" testId="browser-sent" />
      <p className="quiet">
        When you are signed in, the browser adds the session cookie by itself. It is encrypted and HttpOnly, so this
        script can’t read it: what it sees in <code>document.cookie</code> is {readableCookies()}. There is no{" "}
        <code>authorization</code> header.
      </p>
    </>
  );
}

/** Names only: on localhost other apps' cookies are visible too. */
function readableCookies(): string {
  const names = document.cookie.split("; ").flatMap((pair) => pair.split("=")[0] || []);
  return names.length === 0 ? "empty" : names.join(", ");
}
