import { CommitUnanswered } from '../db/outage.js';
import { errorFields } from '../log.js';
import type { Scope } from '../tenancy/scope.js';
import { insist } from './insist.js';
import type { Jobs } from './jobs.js';
import type { JobKey, Lease } from './lease.js';

/**
 * Releases work in a transaction of its own, to be taken again in `dueInMs`; tried again while the database is away.
 * Whoever takes work over without that must assume that a call is under way, and wait. Does nothing where the lease was
 * lost, the work is done, or its row was never committed. Throws what is no outage, or the last one.
 */
export function giveBack(jobs: Jobs, scope: Scope, lease: Lease, dueInMs: number): Promise<void> {
  return insist(() => scope.transaction((tx) => jobs.release(tx, lease, { dueInMs })));
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
