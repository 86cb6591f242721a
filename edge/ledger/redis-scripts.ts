/**
 * The atomic steps of the Redis engine, as Lua scripts. Each works on one key, a hash:
 *
 * | field | meaning |
 * |---|---|
 * | `gen`, `entry` | the newest generation's number, and its sealed entry |
 * | `ended` | set: the session has ended; nothing else matters then |
 * | `lease` | counts the leases given; the last one's number |
 * | `holder`, `until` | who holds that lease, and until when, by Redis's clock; absent: nobody |
 * | `failed`, `failure` | the last lease whose refresh failed, and why |
 *
 * Leases are counted so that a waiter can say which one it waited for: it gets that lease's failure, while a caller that
 * comes later tries again at once.
 */

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** ARGV: seconds. */
const markEnded = (seconds: string): string => `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', '1')
redis.call('EXPIRE', KEYS[1], ${seconds})`;

/** A script and not `HMGET`: Upstash sends reads to the nearest replica, which may not know of a sign-out yet. */
export const READ = `
local s = redis.call('HMGET', KEYS[1], 'ended', 'entry')
if s[1] then return {'ended', false} end
if s[2] then return {'live', s[2]} end
return {'unknown'}`;

/**
 * ARGV: the caller's generation, holder, lease milliseconds, the lease that it waited for (0: none). A holder that asks
 * again, since the answer was lost, gets the lease that it has.
 */
export const ACQUIRE = `
local s = redis.call('HMGET', KEYS[1], 'ended', 'gen', 'entry', 'lease', 'until', 'failed', 'failure', 'holder')
if s[1] then return {'ended', false} end
if s[2] and tonumber(s[2]) > tonumber(ARGV[1]) then return {'live', s[3]} end
local waited = tonumber(ARGV[4])
if waited > 0 and s[6] and tonumber(s[6]) >= waited then return {'failed', s[7]} end
${now}
if s[5] and tonumber(s[5]) > now then
  if s[8] == ARGV[2] then return {'mine', tonumber(s[4])} end
  return {'wait', tonumber(s[4]), tonumber(s[5]) - now}
end
local lease = redis.call('HINCRBY', KEYS[1], 'lease', 1)
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'until', string.format('%.0f', now + ARGV[3]))
if redis.call('PTTL', KEYS[1]) < 2 * ARGV[3] then redis.call('PEXPIRE', KEYS[1], 2 * ARGV[3]) end
return {'mine', lease}`;

/**
 * Stores a generation unless one that is as new is there. ARGV: generation, sealed entry, seconds to keep it, holder
 * ('' when no lease was needed). A lease that has passed to somebody else is no hindrance: see `#commit`.
 */
export const STORE = `
local s = redis.call('HMGET', KEYS[1], 'ended', 'gen', 'entry', 'holder')
if s[1] then return {'ended', false} end
redis.call('EXPIRE', KEYS[1], ARGV[3])
if s[2] and tonumber(s[2]) >= tonumber(ARGV[1]) then return {'live', s[3]} end
redis.call('HSET', KEYS[1], 'gen', ARGV[1], 'entry', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
if s[4] == ARGV[4] then redis.call('HDEL', KEYS[1], 'holder', 'until') end
return {'done'}`;

/** Ends a session whose refresh token was refused. ARGV: the refused generation, holder, seconds to remember it. */
export const REJECT = `
local s = redis.call('HMGET', KEYS[1], 'ended', 'gen', 'entry', 'holder', 'lease', 'until')
if s[1] then return {'ended', false} end
if s[2] and tonumber(s[2]) > tonumber(ARGV[1]) then return {'live', s[3]} end
${now}
if s[4] and s[4] ~= ARGV[2] and tonumber(s[6]) > now then return {'wait', tonumber(s[5]), tonumber(s[6]) - now} end
${markEnded("ARGV[3]")}
return {'ended', false}`;

/** Gives a lease back. ARGV: holder, lease, the failure for those who waited ('': they try for themselves). */
export const RELEASE = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return {'done'} end
redis.call('HDEL', KEYS[1], 'holder', 'until')
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'failed', ARGV[2], 'failure', ARGV[3]) end
return {'done'}`;

/** ARGV: seconds to remember it. Gives what was stored. */
export const END = `
local entry = redis.call('HGET', KEYS[1], 'entry')
${markEnded("ARGV[1]")}
return {'ended', entry}`;

/** Forgets an entry that can't be opened, if it is still that one. ARGV: the sealed entry. */
export const DROP = `
if redis.call('HGET', KEYS[1], 'entry') == ARGV[1] then redis.call('HDEL', KEYS[1], 'gen', 'entry') end
return {'done'}`;
