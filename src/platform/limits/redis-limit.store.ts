import { Redis } from 'ioredis';
import { type GrantedPoints, LEASE_MAX, LEASE_SHARE, type LimitKey, type LimitRule, type LimitStore } from './limit-store.js';

/** The same as leaseSize: the count, its end and the points are settled in one step. */
const LEASE = `
local used = tonumber(redis.call('get', KEYS[1]) or '0')
local max, window, single = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local left, granted = max - used, 0
if left > 0 then
  granted = single and 1 or math.max(1, math.min(${LEASE_MAX}, math.floor(left / ${LEASE_SHARE})))
  used = redis.call('incrby', KEYS[1], granted)
end
local ttl = redis.call('pttl', KEYS[1])
if ttl < 0 and granted > 0 then
  redis.call('pexpire', KEYS[1], window)
  ttl = window
end
return {granted, used, math.max(ttl, 0)}`;

/** How long Redis may take, ms; after it the limit is counted in this process for a while. */
const COMMAND_MS_MAX = 2_000;

/** Counts in Redis, where the deployment has one. Windows end by Redis's clock. */
export class RedisLimitStore implements LimitStore {
  private readonly redis: Redis;

  constructor(url: string) {
    this.redis = new Redis(url, {
      commandTimeout: COMMAND_MS_MAX,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: true,
      connectTimeout: COMMAND_MS_MAX,
    });
    // Each failed command throws; the connection's own events would end the process.
    this.redis.on('error', () => undefined);
  }

  async lease(key: LimitKey, { max, windowMs }: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints> {
    const answer = (await this.redis.eval(LEASE, 1, nameOf(key), max, windowMs, isSingle ? '1' : '0')) as [number, number, number];
    const [granted, used, ttlMs] = answer;
    return { granted, used, resetsAt: nowMs + ttlMs };
  }

  async read(key: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null> {
    const [used, ttlMs] = await Promise.all([this.redis.get(nameOf(key)), this.redis.pttl(nameOf(key))]);
    return used === null || ttlMs <= 0 ? null : { used: Number(used), resetsAt: nowMs + ttlMs };
  }

  close(): void {
    this.redis.disconnect();
  }
}

function nameOf({ appId, id }: LimitKey): string {
  return `billing:limit:${appId}:${id}`;
}
