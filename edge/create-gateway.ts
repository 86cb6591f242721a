import { readBackends } from "./backend/backend";
import type { GatewayConfig } from "./config";
import { createEndedChecks, type EndedChecksMemory } from "./ended-checks";
import { type Gateway, gatewayPipeline } from "./gateway";
import type { Ledger, LedgerContext, LedgerEngine } from "./ledger/ledger";
import { memoryLedger } from "./ledger/memory";
import { ConfigError, type Log } from "./problem";
import { sessionCookieStyle } from "./session/cookies";
import { createKeyRing } from "./session/sealed";
import { createSessionCodec } from "./session/session";
import { createSessionWriter, MAX_COOKIE_BYTES, type SessionWriter } from "./session/writer";
import { SessionKeeper } from "./session-keeper";
import { type Env, readSettings, type Settings } from "./settings";
import { createEndpointFinder, type Provider, type ProviderTransport } from "./token/provider";
import { type RefreshOutcome, refreshGrant } from "./token/refresh-grant";
import { revokeRefreshToken } from "./token/revoke";
import type { TokenSet } from "./token/token-set";

/** What a host brings: the outside world, and the two configurations. */
export interface GatewayHost {
  env: Env;
  config: GatewayConfig;
  providers: readonly Provider[];
  fetch: typeof fetch;
  nowMs: () => number;
  log: Log;
  /** The process's own memory, the same for every module instance in it. */
  memory: ProcessMemory;
}

/** What module instances of one process share: Next's middleware and its route handlers are two (measured). */
export interface ProcessMemory {
  checks: EndedChecksMemory;
  /** The memory engine's one ledger; set by whoever opens it first. */
  ledger: Ledger | null;
}

/** A gateway and the parts that a host's other doors need: sign-in, sign-out, server-side token access. */
export interface AssembledGateway extends Gateway {
  settings: Settings;
  keeper: SessionKeeper;
  writer: SessionWriter;
  ledger: Ledger;
  /** What the ledger was opened with; a Durable Object, which refreshes by itself, is made of the same. */
  ledgerContext: LedgerContext;
  log: Log;
  /** Ends a session everywhere and revokes its refresh token (RFC 7009). `claims`: those of any cookie of the session. */
  signOut(claims: { sid: string; provider: string; tokens: TokenSet | null }): Promise<void>;
}

const DEFAULT_MAX_AGE_SECONDS = 30 * 24 * 3600;
const DEFAULT_BUDGET_BYTES = 8192;
const DEFAULT_AHEAD_SECONDS = 60;
const DEFAULT_PROVIDER_TIMEOUT_MS = 5_000;

/** Discovery and grant take one timeout each; the rest is for the store to hear of the result, twice if need be. */
const leaseMsOf = (timeoutMs: number): number => 2 * timeoutMs + 5_000;

const ENDED_MARGIN_SECONDS = 3_600;

/** With a shared ledger a look-up is a network call; a sign-out reaches other isolates within this time. */
const DEFAULT_CHECK_SECONDS = 30;

/**
 * Assembles a gateway.
 *
 * @throws {ConfigError} naming the variable or option that is missing or malformed
 */
export function createGateway(host: GatewayHost): AssembledGateway {
  const { config, nowMs, log } = host;
  const settings = readSettings(host.env);
  const backends = readBackends(config.backends);
  const providers = providersById(host.providers);
  const maxAgeSeconds = config.session?.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS;
  const timeoutMs = config.refresh?.timeoutMs ?? DEFAULT_PROVIDER_TIMEOUT_MS;
  const refreshAheadSeconds = config.refresh?.aheadSeconds ?? DEFAULT_AHEAD_SECONDS;
  requirePositive({ "session.maxAgeSeconds": maxAgeSeconds, "refresh.timeoutMs": timeoutMs });
  requirePositive({ "refresh.aheadSeconds": refreshAheadSeconds });
  const grants = createGrants(providers, { fetch: host.fetch, timeoutMs, nowMs });
  const engine = config.ledger ?? memoryLedger();
  const ledgerContext: LedgerContext = {
    refresh: grants.refresh,
    async discard({ provider, tokens }) {
      if ((await grants.revoke(provider, tokens)) === "failed")
        log({ level: "warn", event: "revocation_failed", provider });
    },
    nowMs,
    fetch: host.fetch,
    // A cookie may be written a little after a sign-out, where it was not yet known, and is read with some tolerance.
    sessionMaxAgeSeconds: maxAgeSeconds + ENDED_MARGIN_SECONDS,
    leaseMs: leaseMsOf(timeoutMs),
    secrets: settings.secrets,
    warn: (event, fields) => log({ level: "warn", event, ...fields }),
  };
  const ledger = openLedger(engine, host.memory, ledgerContext);
  const writer = createWriter({ host, settings, ledger, engine, maxAgeSeconds });
  const mode = config.endedCheck ?? (engine.scope === "process" ? "always" : { everySeconds: DEFAULT_CHECK_SECONDS });
  const checks = createEndedChecks(mode, { memory: host.memory.checks, nowMs });
  const keeper = new SessionKeeper({ writer, ledger, checks, refreshAheadSeconds, nowMs, log });
  return {
    ...gatewayPipeline({ origin: settings.origin, backends, keeper, fetch: host.fetch, log }),
    settings,
    keeper,
    writer,
    ledger,
    ledgerContext,
    log,
    async signOut({ sid, provider, tokens }) {
      const { ended, newest } = await ledger.end(sid);
      checks.note(sid, "ended");
      if (!ended) log({ level: "error", event: "sign_out_not_shared" });
      const last = newest?.tokens ?? tokens;
      const outcome = last ? await grants.revoke(newest?.provider ?? provider, last) : "unsupported";
      if (outcome === "failed") log({ level: "warn", event: "revocation_failed", provider });
    },
  };
}

function createWriter(options: {
  host: GatewayHost;
  settings: Settings;
  ledger: Ledger;
  engine: LedgerEngine;
  maxAgeSeconds: number;
}): SessionWriter {
  const { host, settings, ledger, engine, maxAgeSeconds } = options;
  const { session } = host.config;
  const style = sessionCookieStyle({ secure: settings.secure, sameSite: session?.sameSite ?? "lax" });
  const ring = createKeyRing(settings.secrets);
  const ledgerIsShared = engine.scope === "shared";
  const budgetBytes = session?.cookieBudgetBytes ?? DEFAULT_BUDGET_BYTES;
  if (budgetBytes === 0 && !ledgerIsShared)
    throw new ConfigError("session.cookieBudgetBytes", "0 needs a shared ledger");
  if (!(budgetBytes >= 0 && budgetBytes <= MAX_COOKIE_BYTES)) {
    throw new ConfigError("session.cookieBudgetBytes", `must be between 0 and ${MAX_COOKIE_BYTES}`);
  }
  const codec = createSessionCodec({ ring, style, maxAgeSeconds, nowMs: host.nowMs });
  return createSessionWriter(codec, { budgetBytes, ledgerIsShared, ledger, log: host.log });
}

function requirePositive(numbers: Record<string, number>): void {
  for (const [setting, value] of Object.entries(numbers)) {
    if (!(value > 0 && Number.isFinite(value))) throw new ConfigError(setting, "must be a positive number");
  }
}

function openLedger(engine: LedgerEngine, memory: ProcessMemory, context: LedgerContext): Ledger {
  if (engine.scope === "shared") return engine.open(context);
  memory.ledger ??= engine.open(context);
  return memory.ledger;
}

function providersById(providers: readonly Provider[]): ReadonlyMap<string, Provider> {
  if (providers.length === 0) {
    throw new ConfigError("AUTH_OIDC_ID", "or the ID of another provider is missing: nobody could sign in");
  }
  return new Map(providers.map((provider) => [provider.id, provider]));
}

/** The two things that are asked of a provider. */
function createGrants(providers: ReadonlyMap<string, Provider>, transport: ProviderTransport) {
  const findEndpoints = createEndpointFinder(transport);
  return {
    async refresh(entry: { provider: string; tokens: TokenSet }): Promise<RefreshOutcome> {
      const provider = providers.get(entry.provider);
      // A variable that a deployment forgot must not log everybody out: only the provider's own word ends a session.
      if (!provider) return { status: "unavailable", cause: "provider_not_configured" };
      return refreshGrant({ provider, tokens: entry.tokens, findEndpoints, transport });
    },
    async revoke(id: string, tokens: TokenSet): Promise<"revoked" | "unsupported" | "failed"> {
      const provider = providers.get(id);
      return provider ? revokeRefreshToken({ provider, tokens, findEndpoints, transport }) : "unsupported";
    },
  };
}
