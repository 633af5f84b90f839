import type { Redis } from 'ioredis';
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
  private readonly redis: Promise<Redis>;

  constructor(url: string) {
    this.redis = connect(url);
  }

  async lease(key: LimitKey, { max, windowMs }: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints> {
    const redis = await this.redis;
    const answer = (await redis.eval(LEASE, 1, nameOf(key), max, windowMs, isSingle ? '1' : '0')) as [number, number, number];
    const [granted, used, ttlMs] = answer;
    return { granted, used, resetsAt: nowMs + ttlMs };
  }

  async read(key: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null> {
    const redis = await this.redis;
    const [used, ttlMs] = await Promise.all([redis.get(nameOf(key)), redis.pttl(nameOf(key))]);
    return used === null || ttlMs <= 0 ? null : { used: Number(used), resetsAt: nowMs + ttlMs };
  }

  close(): void {
    void this.redis.then((redis) => redis.disconnect());
  }
}

/** Loads the client only now: most deployments have no Redis, and it takes 50 ms of CPU and 18 MB. */
async function connect(url: string): Promise<Redis> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    commandTimeout: COMMAND_MS_MAX,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    connectTimeout: COMMAND_MS_MAX,
  });
  // Each failed command throws; the connection's own events would end the process.
  redis.on('error', () => undefined);
  return redis;
}

function nameOf({ appId, id }: LimitKey): string {
  return `billing:limit:${appId}:${id}`;
}
