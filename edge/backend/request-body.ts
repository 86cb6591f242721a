/** A request's body between client and upstream: whole or refused, never cut. */
export interface RequestBody {
  /** The client's `Content-Length`; null when it sends chunks, or nothing. */
  declaredBytes: number | null;
  /** The most bytes that it can have: what is declared, or the host's limit. */
  maxBytes: number;
  /** True when {@link take} can be called again, to send the request a second time. */
  replayable: boolean;
  /**
   * The body for fetch.
   *
   * @param abort - called when it turns out too long, to break the upstream request off
   */
  take(abort: () => void): BodyInit | null;
  /** True once the body turned out longer than the host can forward, or shorter than declared. */
  problem(): boolean;
}

/** Bodies up to this size are held in memory, so that they can be sent again after an upstream 401. */
const REPLAY_BYTES = 64 * 1024;

/** For a body of unknown length on a host without a limit: bounds the time an upload may take, not its size. */
const ASSUMED_BYTES = 100 * 1024 * 1024;

/**
 * Prepares a request's body.
 *
 * @param options - `limitBytes`: what the host can hand over whole; null for a host that streams
 * @returns null when the body is longer than the limit, or is not as long as it says
 */
export async function requestBody(
  request: Request,
  { limitBytes }: { limitBytes: number | null },
): Promise<RequestBody | null> {
  const stream = request.body;
  const declaredBytes = declaredLength(request.headers);
  if (!stream || request.method === "GET" || request.method === "HEAD") return noBody();
  if (declaredBytes !== null && limitBytes !== null && declaredBytes > limitBytes) return null;
  if (declaredBytes !== null && declaredBytes <= REPLAY_BYTES) return smallBody(request, declaredBytes);
  const maxBytes = declaredBytes ?? limitBytes ?? ASSUMED_BYTES;
  let problem = false;
  return {
    declaredBytes,
    maxBytes,
    replayable: false,
    problem: () => problem,
    take(abort) {
      if (limitBytes === null) return stream;
      return counted(stream, {
        limitBytes: declaredBytes ?? limitBytes,
        onTooLong() {
          problem = true;
          abort();
        },
      });
    },
  };
}

/** RFC 9110 section 8.6. Anything but digits is as good as absent: the transport has already judged it. */
function declaredLength(headers: Headers): number | null {
  const value = headers.get("content-length");
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

function noBody(): RequestBody {
  return { declaredBytes: null, maxBytes: 0, replayable: true, problem: () => false, take: () => null };
}

async function smallBody(request: Request, declaredBytes: number): Promise<RequestBody | null> {
  const bytes = await request.arrayBuffer().catch(() => null);
  if (bytes?.byteLength !== declaredBytes) return null;
  // fetch sets the length of bytes by itself.
  return { declaredBytes: null, maxBytes: declaredBytes, replayable: true, problem: () => false, take: () => bytes };
}

function counted(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { limitBytes, onTooLong }: { limitBytes: number; onTooLong: () => void },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  let size = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      size += value.byteLength;
      if (size <= limitBytes) return controller.enqueue(value);
      onTooLong();
      controller.error(new Error("request body too large"));
      await reader.cancel().catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
