/**
 * The tokens that a text holds: in the clear, base64 or base64url at any of the three alignments, percent-encoded
 * byte by byte, or as JSON or hex would write them.
 */
export function tokensIn(text: string, tokens: Iterable<string>): string[] {
  const lower = text.toLowerCase();
  return [...tokens].filter((token) => {
    const isEncoded = base64Forms(token).some((form) => text.includes(form) || text.includes(urlSafe(form)));
    const bytes = [...new TextEncoder().encode(token)].map((byte) => byte.toString(16).padStart(2, "0"));
    const isPercent = lower.includes(bytes.map((byte) => `%${byte}`).join("")) || lower.includes(bytes.join(""));
    return text.includes(token) || text.includes(encodeURIComponent(token)) || isEncoded || isPercent;
  });
}

/** Base64 of the token as it stands inside a longer text: without the characters that depend on its neighbours. */
function base64Forms(token: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = btoa(`${" ".repeat(before)}${token}`).replaceAll("=", "");
    return encoded.slice(before === 0 ? 0 : before + 1, -1);
  });
}

function urlSafe(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}
