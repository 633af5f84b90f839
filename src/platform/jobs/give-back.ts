import { setTimeout as sleep } from 'node:timers/promises';
import { CommitUnanswered, isPassing } from '../db/outage.js';
import { errorFields } from '../log.js';
import type { Scope } from '../tenancy/scope.js';
import type { Jobs } from './jobs.js';
import type { JobKey, Lease } from './lease.js';

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

/** Takes work as Jobs.take does. Where the COMMIT of it was not answered the work is given back: nothing was sent. */
export async function takeOrGiveBack(jobs: Jobs, scope: Scope, key: JobKey): Promise<Lease | null> {
  let taken: Lease | null = null;
  try {
    return await scope.transaction(async (tx) => {
      taken = await jobs.take(tx, key);
      return taken;
    });
  } catch (error) {
    if (error instanceof CommitUnanswered && taken !== null) giveBackNotBegun(jobs, scope, taken);
    throw error;
  }
}

/** It may be held, and nothing was sent: whoever does the work, or repeats the request, need not wait. */
export function giveBackNotBegun(jobs: Jobs, scope: Scope, lease: Lease): void {
  const { log } = scope.request;
  log.warn('intent not confirmed', { kind: lease.kind, subject: lease.subject });
  giveBack(jobs, scope, lease, 0).catch((error: unknown) => log.error('job not released', errorFields(error)));
}
