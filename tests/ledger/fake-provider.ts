import type { LedgerEntry } from "../../edge/ledger/ledger";
import type { RefreshOutcome } from "../../edge/token/refresh-grant";

/** One grant that a test holds between the provider's decision and its answer. */
export interface HeldGrant {
  /** Settles when the provider has taken the refresh token. */
  arrived: Promise<void>;
  /** Lets the answer go: the provider's own, or this one. */
  release(instead?: RefreshOutcome): void;
}

/** A provider as strict as they come: a refresh token works once, and a second use ends its session. */
export class FakeProvider {
  grants = 0;
  /** Refresh tokens seen again after they were spent. */
  reuses = 0;
  readonly #valid = new Map<string, string>();
  readonly #dead = new Set<string>();
  readonly #script: ((own: () => RefreshOutcome) => Promise<RefreshOutcome>)[] = [];
  #issued = 0;

  /** A session's first generation. `padding`: characters more in the access token. */
  issue({ padding = 0 } = {}): LedgerEntry {
    const family = `family-${++this.#issued}`;
    return { generation: 1, provider: "oidc", tokens: this.#tokens(family, 1, padding) };
  }

  /** The next grant's outcome is this one, and its refresh token is not spent. */
  answerNext(outcome: RefreshOutcome): void {
    this.#script.push(async () => outcome);
  }

  /** The next grant throws. */
  throwNext(error: Error): void {
    this.#script.push(() => Promise.reject(error));
  }

  /** The next grant's answer waits for `release`; without it, it never comes. */
  holdNext(): HeldGrant {
    const arrived = deferred<void>();
    const released = deferred<RefreshOutcome | undefined>();
    this.#script.push(async (own) => {
      const outcome = own();
      arrived.resolve();
      return (await released.promise) ?? outcome;
    });
    return { arrived: arrived.promise, release: released.resolve };
  }

  readonly refresh = async ({ tokens }: LedgerEntry): Promise<RefreshOutcome> => {
    this.grants += 1;
    const scripted = this.#script.shift();
    return scripted ? scripted(() => this.#grant(tokens.refreshToken)) : this.#grant(tokens.refreshToken);
  };

  #grant(refreshToken: string | null): RefreshOutcome {
    const [, family = "", count = ""] = refreshToken?.split(".") ?? [];
    if (this.#valid.get(family) !== refreshToken || this.#dead.has(family)) {
      this.reuses += 1;
      this.#dead.add(family);
      return { status: "rejected" };
    }
    return { status: "refreshed", tokens: this.#tokens(family, Number(count) + 1, 0) };
  }

  #tokens(family: string, count: number, padding: number) {
    const refreshToken = `refresh.${family}.${count}`;
    this.#valid.set(family, refreshToken);
    return {
      accessToken: `access.${family}.${count}${"x".repeat(padding)}`,
      expiresAtSeconds: 1_900_000_000,
      lifetimeSeconds: 300,
      refreshToken,
      scope: "openid offline_access",
    };
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
