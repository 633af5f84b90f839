import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { ask, countOf, expectSharedLimits } from '../support/limits.js';
import { freePort } from '../support/processes.js';
import { World } from '../support/world.js';

/** As long as a gateway leaves a store alone that did not answer, and some more, ms. */
const TRIED_AGAIN_AFTER_MS = 5_500;

/** A Redis of our own, which keeps nothing. */
class RedisServer {
  private constructor(
    private readonly port: number,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<RedisServer> {
    const port = await freePort();
    return new RedisServer(port, await listening(port));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  async startAgain(): Promise<void> {
    this.child = await listening(this.port);
  }

  async ask<Answer>(work: (redis: Redis) => Promise<Answer>): Promise<Answer> {
    const redis = new Redis(this.url);
    return work(redis).finally(() => redis.disconnect());
  }
}

async function listening(port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']);
  for await (const line of child.stdout) if (String(line).includes('Ready to accept connections')) break;
  return child;
}

describe('limits that are counted in Redis', () => {
  let world: World;
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    world = await World.create({ limits: { requestsPerWindow: 5, redisUrl: redis.url } });
  });
  afterAll(async () => {
    await world.close();
    await redis.kill();
  });

  const statusesOf = async (key: string, sent: number) => {
    const statuses = await Promise.all(Array.from({ length: sent }, async () => (await ask(world.url, key)).status));
    return [countOf(statuses, 200), countOf(statuses, 429)];
  };

  it('are kept exactly by two processes together', async () => {
    await expectSharedLimits(world, await world.app(), { REDIS_URL: redis.url });
  });

  it('are each app its own, end with their window by the clock of Redis, and leave nothing in the database', async () => {
    const [app, other] = [await world.app(), await world.app()];
    expect(await statusesOf(app.key, 8)).toEqual([5, 3]);
    expect(await statusesOf(other.key, 1)).toEqual([1, 0]);
    const name = `billing:limit:${app.id}:requests`;
    const [used, ttlMs] = await redis.ask(async (client) => [await client.get(name), await client.pttl(name)]);
    expect(used).toBe('5');
    expect(ttlMs).toBeGreaterThan(800_000);
    expect(ttlMs).toBeLessThanOrEqual(900_000);
    expect(await world.rows('billing_limit_counters', app)).toEqual([]);
  });

  it('are counted by each process alone while Redis is away, and in Redis again when it is back', async () => {
    const [before, meanwhile, after] = [await world.app(), await world.app(), await world.app()];
    expect(await statusesOf(before.key, 6)).toEqual([5, 1]);
    await redis.kill();
    expect(await statusesOf(meanwhile.key, 8)).toEqual([5, 3]);
    await redis.startAgain();
    await sleep(TRIED_AGAIN_AFTER_MS);
    expect(await statusesOf(after.key, 6)).toEqual([5, 1]);
    expect(await redis.ask((client) => client.keys('billing:limit:*'))).toEqual([`billing:limit:${after.id}:requests`]);
  });
});
