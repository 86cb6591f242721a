import { errors } from "oidc-provider";

/** Codes, refresh tokens and device codes belong to a grant and end with it. */
const GRANTABLE = new Set(["AuthorizationCode", "RefreshToken", "AccessToken"]);

/**
 * An in-memory store for `oidc-provider` (its "adapter"), one per provider, so that tests share nothing.
 *
 * It is stricter than the library's own memory adapter where real providers are: marking a code or a refresh token as
 * used is atomic. The library looks at `consumed` some awaits before it sets it, so that of two simultaneous refreshes
 * both would pass; here the second one fails and takes the grant with it, as a reuse does (RFC 9700 section 4.14.2).
 *
 * @param {{ onReuse?: (grantId: string) => void }} [options]
 * @returns {(model: string) => object} the `adapter` option of oidc-provider
 */
export function createStore({ onReuse = () => {} } = {}) {
  /** @type {Map<string, { payload: any, expiresAtMs: number }>} */
  const records = new Map();
  /** @type {(key: string) => any} */
  const read = (key) => {
    const record = records.get(key);
    if (record && record.expiresAtMs <= Date.now()) records.delete(key);
    return records.get(key)?.payload;
  };
  /** @type {(grantId: string) => void} */
  const dropGrantMembers = (grantId) => {
    for (const [key, { payload }] of records) {
      if (GRANTABLE.has(key.slice(0, key.indexOf(":"))) && payload.grantId === grantId) records.delete(key);
    }
  };

  return (model) => ({
    /** @type {(id: string, payload: any, expiresIn?: number) => Promise<void>} */
    async upsert(id, payload, expiresIn) {
      const expiresAtMs = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000;
      records.set(`${model}:${id}`, { payload, expiresAtMs });
    },
    /** @type {(id: string) => Promise<any>} */
    async find(id) {
      return read(`${model}:${id}`);
    },
    /** @type {(uid: string) => Promise<any>} */
    async findByUid(uid) {
      for (const [key, { payload }] of records) {
        if (key.startsWith(`${model}:`) && payload.uid === uid) return read(key);
      }
    },
    /** @type {(id: string) => Promise<void>} */
    async consume(id) {
      const payload = read(`${model}:${id}`);
      if (!payload) throw new errors.InvalidGrant("token not found");
      if (payload.consumed) {
        dropGrantMembers(payload.grantId);
        records.delete(`Grant:${payload.grantId}`);
        onReuse(payload.grantId);
        throw new errors.InvalidGrant("token already used");
      }
      payload.consumed = Math.floor(Date.now() / 1000);
    },
    /** @type {(id: string) => Promise<void>} */
    async destroy(id) {
      records.delete(`${model}:${id}`);
    },
    /** @type {(grantId: string) => Promise<void>} */
    async revokeByGrantId(grantId) {
      dropGrantMembers(grantId);
    },
  });
}
