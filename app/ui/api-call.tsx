"use client";

import { useState } from "react";
import { formatBody } from "./format-body";
import { JsonView } from "./json-view";

const URL_PATH = "/api/protected";

/** A button that calls the app's own API, and what it answered. */
export function ApiCall() {
  const [answer, setAnswer] = useState<{ status: string; body: string } | null>(null);
  return (
    <>
      <button type="button" className="primary" data-testid="api-call" onClick={async () => setAnswer(await callApi())}>
        Call {URL_PATH}
      </button>
      <p className="status" role="status">
        {answer?.status ?? "No answer yet."}
      </p>
      {answer && <JsonView value={answer.body} label="Answer" testId="api-answer" />}
    </>
  );
}

async function callApi(): Promise<{ status: string; body: string }> {
  try {
    const response = await fetch(URL_PATH);
    return { status: `Status ${response.status}`, body: formatBody(await response.text()) };
  } catch {
    return { status: "No answer", body: "The server can’t be reached." };
  }
}
