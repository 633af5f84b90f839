import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '../db/outage.js';
import type { Scope } from '../tenancy/scope.js';
import type { Jobs } from './jobs.js';
import type { Lease } from './lease.js';

/** For how long work is given back to a database that is away, and how often, ms. */
const TRIED_FOR_MS = 60_000;
const [PAUSE_MS, PAUSE_MS_MAX] = [100, 1_000];

/**
 * Releases work in a transaction of its own, to be taken again in `dueInMs`; tried again while the database is away.
 * Whoever takes work over without that must assume that a call is under way, and wait. Does nothing where the lease was
 * lost, the work is done, or its row was never committed. Throws what is no outage, or the last one.
 */
export async function giveBack(jobs: Jobs, scope: Scope, lease: Lease, dueInMs: number): Promise<void> {
  const until = performance.now() + TRIED_FOR_MS;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await scope.transaction((tx) => jobs.release(tx, lease, { dueInMs }));
    } catch (error) {
      if (!isPassing(error) || performance.now() + pauseMs > until) throw error;
      await sleep(pauseMs, undefined, { ref: false });
    }
  }
}
