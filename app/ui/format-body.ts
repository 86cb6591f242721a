/** What fits on a page; the rest of a longer answer is left out. */
const MAX_SHOWN_CHARACTERS = 20_000;

/** A response body for reading: JSON is indented, anything else is shown as it came. */
export function formatBody(text: string): string {
  const shown = indented(text);
  return shown.length > MAX_SHOWN_CHARACTERS ? `${shown.slice(0, MAX_SHOWN_CHARACTERS)}\n… (cut)` : shown;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || "(no body)";
  }
}
