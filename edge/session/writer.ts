import type { Ledger, LedgerEntry } from "../ledger/ledger";
import { ConfigError, type Log } from "../problem";
import type { SessionClaims, SessionCodec } from "./session";

/** How large the session cookie may be, over all chunks, before its token set moves to the ledger. */
export interface CookieBudget {
  /** Bytes of the sealed value; 0 keeps every token set in the ledger (server-side sessions). */
  budgetBytes: number;
  /** Whether the ledger is shared, and so can hold a token set that the cookie has no copy of. */
  ledgerIsShared: boolean;
}

/**
 * Without a shared ledger the cookie is the only home, so it may be larger: three chunks, which leaves a quarter of
 * Node's 16 KiB of headers to all other cookies and headers.
 */
export const MAX_COOKIE_BYTES = 3 * 4096;

/** Seals sessions, and puts a token set that is too large for the cookie into the ledger. */
export interface SessionWriter {
  readonly codec: SessionCodec;
  /**
   * Seals a session that just began or that Auth.js writes again.
   *
   * @throws {ConfigError} when it is too large and there is no shared ledger to hold it, or that one is down
   */
  sealNew(claims: SessionClaims): Promise<string>;
  /** Seals the generation that the ledger holds; null when it is too large: the ledger has it, the old cookie still works. */
  sealRefreshed(claims: SessionClaims, entry: LedgerEntry): Promise<string | null>;
}

/**
 * @param options - what {@link CookieBudget} says, and where too-large sessions go
 */
export function createSessionWriter(
  codec: SessionCodec,
  options: CookieBudget & { ledger: Ledger; log: Log },
): SessionWriter {
  const { ledger, log, ledgerIsShared } = options;
  const budgetBytes = ledgerIsShared ? options.budgetBytes : MAX_COOKIE_BYTES;
  const withTokens = (claims: SessionClaims, entry: LedgerEntry | null): SessionClaims => {
    const { tokens, generation } = entry ?? claims.gateway;
    return { ...claims, gateway: { ...claims.gateway, generation, tokens } };
  };
  const withoutTokens = (claims: SessionClaims): SessionClaims => ({
    ...claims,
    gateway: { ...claims.gateway, tokens: null },
  });
  const fits = async (claims: SessionClaims): Promise<string | null> => {
    if (budgetBytes === 0 && claims.gateway.tokens) return null;
    const sealed = await codec.seal(claims);
    return sealed.length <= budgetBytes || claims.gateway.tokens === null ? sealed : null;
  };
  return {
    codec,
    async sealNew(claims) {
      const sealed = await fits(claims);
      if (sealed !== null) return sealed;
      const { sid, generation, provider, tokens } = claims.gateway;
      if (!ledgerIsShared) {
        log({ level: "error", event: "session_too_large", maxBytes: MAX_COOKIE_BYTES });
        throw new ConfigError(
          "ledger",
          `memory can't hold a session above ${MAX_COOKIE_BYTES} bytes: use a shared ledger`,
        );
      }
      if (tokens && !(await ledger.keep(sid, { generation, provider, tokens }))) {
        throw new ConfigError("ledger", "could not keep a session that is too large for the cookie");
      }
      return codec.seal(withoutTokens(claims));
    },
    async sealRefreshed(claims, entry) {
      const next = withTokens(claims, entry);
      const sealed = await fits(next);
      if (sealed !== null) return sealed;
      if (ledgerIsShared) return codec.seal(withoutTokens(next));
      log({ level: "error", event: "session_too_large", maxBytes: MAX_COOKIE_BYTES });
      return null;
    },
  };
}
