import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { LeasedLimit } from '../../src/platform/limits/leased-limit.js';
import { LEASE_MAX, type LimitStore, MemoryLimitStore } from '../../src/platform/limits/limit-store.js';

const KEY = { appId: 'shop', id: 'webhooks' };
const HOUR_MS = 3_600_000;
const clock = { now: () => new Date('2026-03-01T00:00:00Z') };

/** A store that counts what it is asked, and answers no further question once it is held up. */
function slowStore() {
  const memory = new MemoryLimitStore();
  let heldUp: Promise<void> | null = null;
  let asked = 0;
  const store: LimitStore = {
    read: (key, nowMs) => memory.read(key, nowMs),
    lease: async (...question) => {
      asked += 1;
      await heldUp;
      return memory.lease(...question);
    },
  };
  const holdUp = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    heldUp = promise;
    return resolve;
  };
  return { store, holdUp, asked: () => asked };
}

describe('a limit that is leased', () => {
  it('admits exactly its number of those that come at once, though leases are taken ahead of need', async () => {
    const { store, asked } = slowStore();
    const limit = new LeasedLimit({ store, clock });
    const rule = { max: 50_000, windowMs: HOUR_MS };
    const verdicts = await Promise.all(Array.from({ length: 60_000 }, () => limit.take(KEY, rule)));
    expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(50_000);
    expect(asked()).toBeLessThan(300);
  });

  it('admits exactly its number in two processes that count together', async () => {
    const { store } = slowStore();
    const processes = [new LeasedLimit({ store, clock }), new LeasedLimit({ store, clock })];
    const rule = { max: 30_000, windowMs: HOUR_MS };
    const takes = Array.from({ length: 40_000 }, (_, turn) => processes[turn % 2]?.take(KEY, rule));
    const verdicts = await Promise.all(takes);
    expect(verdicts.filter((verdict) => verdict?.isAllowed)).toHaveLength(30_000);
  });

  it('has nobody wait for the store far from its number, and only those who find nothing left', async () => {
    const { store, holdUp, asked } = slowStore();
    const limit = new LeasedLimit({ store, clock });
    const rule = { max: 1_000_000, windowMs: HOUR_MS };
    await limit.take(KEY, rule);
    const goOn = holdUp();
    for (let taken = 1; taken < LEASE_MAX; taken += 1) expect(await limit.take(KEY, rule)).toMatchObject({ isAllowed: true });
    expect(asked()).toBe(2);
    let isAnswered = false;
    const waiting = limit.take(KEY, rule).finally(() => {
      isAnswered = true;
    });
    await nextTurn();
    expect(isAnswered).toBe(false);
    goOn();
    expect(await waiting).toMatchObject({ isAllowed: true, remaining: 1_000_000 - LEASE_MAX - 1 });
    expect(asked()).toBe(2);
  });
});
