import { json } from "./edge-provider";

/** A request as the backend saw it. */
export interface BackendCall {
  method: string;
  /** Path and query as sent. */
  target: string;
  headers: Record<string, string>;
  /** The bearer token; null when there was none. */
  accessToken: string | null;
  /** The whole body; null until it is whole, and for none. */
  body: Uint8Array | null;
  /** True once the request has arrived to its end. */
  isComplete: boolean;
  signal: AbortSignal;
}

/** A resource server that writes down what it gets and answers as told. */
export class EdgeBackend {
  readonly origin: string;
  readonly calls: BackendCall[] = [];
  /** Makes the answer; it may throw, or never settle. */
  respond: (call: BackendCall) => Response | Promise<Response> = () => json(200, { ok: true });

  constructor(origin = "https://api.test") {
    this.origin = origin;
  }

  get last(): BackendCall {
    const call = this.calls.at(-1);
    if (!call) throw new Error("the backend saw nothing");
    return call;
  }

  async answer(url: URL, init: RequestInit): Promise<Response> {
    const headers = Object.fromEntries(new Headers(init.headers));
    const call: BackendCall = {
      method: init.method ?? "GET",
      target: `${url.pathname}${url.search}`,
      headers,
      accessToken: /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? null,
      body: null,
      isComplete: false,
      signal: init.signal ?? new AbortController().signal,
    };
    this.calls.push(call);
    if (init.body) call.body = new Uint8Array(await new Response(init.body).arrayBuffer());
    call.isComplete = true;
    return this.respond(call);
  }
}
