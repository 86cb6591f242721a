/** What a browser keeps of `Set-Cookie`, for one host and path. */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  constructor(setCookieLines: readonly string[] = []) {
    this.take(setCookieLines);
  }

  take(setCookieLines: readonly string[]): void {
    for (const line of setCookieLines) {
      const { name, value, attributes } = parseSetCookie(line);
      if (attributes.includes("Max-Age=0")) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  /** The `Cookie` header. */
  header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  names(): string[] {
    return [...this.#cookies.keys()];
  }

  /** The chunks joined, or the whole cookie. */
  value(): string {
    return [...this.#cookies].map(([, value]) => value).join("");
  }
}

export function parseSetCookie(line: string): { name: string; value: string; attributes: string[] } {
  const [pair = "", ...attributes] = line.split("; ");
  const equals = pair.indexOf("=");
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes };
}

/** The names that a response removes. */
export function removedNames(response: Response): string[] {
  const cookies = response.headers.getSetCookie().map(parseSetCookie);
  return cookies.filter(({ value, attributes }) => value === "" && attributes.includes("Max-Age=0")).map((c) => c.name);
}

/** The names that a response sets to a value. */
export function writtenNames(response: Response): string[] {
  const cookies = response.headers.getSetCookie().map(parseSetCookie);
  return cookies.filter(({ value }) => value !== "").map(({ name }) => name);
}
