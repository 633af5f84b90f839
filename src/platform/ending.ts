import { withDeadline } from './deadline.js';
import type { LeaseKeeper } from './jobs/lease-keeper.js';
import type { Workers } from './jobs/workers.js';
import { errorFields, type Log } from './log.js';

/** The status of a process that a signal ended. */
export const CUT_OFF = 130;
/** Whoever types Ctrl-C sends it to us and to npm, which hands it on: within so long, ms, it is one wish. */
const ONE_WISH_MS = 100;

/** Resolves when the process is asked to end, with how. Asked a second time it ends at once. */
export function askedToEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let askedAt: number | null = null;
    const hear = (signal: NodeJS.Signals) => {
      if (askedAt !== null && performance.now() - askedAt > ONE_WISH_MS) process.exit(CUT_OFF);
      askedAt ??= performance.now();
      resolve(signal);
    };
    process.on('SIGTERM', hear);
    process.on('SIGINT', hear);
  });
}

/** A command was asked to end before its work was done. The message says how to go on. */
export class Interrupted extends Error {
  readonly exitCode = CUT_OFF;
}

/** What `work` gives; throws Interrupted, with how to go on, as soon as the process is asked to end. */
export function orInterrupted<T>(howToGoOn: string, work: Promise<T>): Promise<T> {
  const interrupted = askedToEnd().then((signal) => {
    throw new Interrupted(`Ended by ${signal} before it was done. ${howToGoOn}`);
  });
  return Promise.race([work, interrupted]);
}

interface InHand {
  readonly worker: Pick<Workers, 'stop'>;
  readonly publisher: { stop(): Promise<void> };
  readonly leases: Pick<LeaseKeeper, 'whenFree' | 'giveBack'>;
  readonly log: Log;
}

/**
 * Takes no more work, and lets what is in hand end: `serving`, jobs, and mutations that nobody waits for any more. What
 * takes longer than `msMax` is given back, so that the next process goes on with it at once.
 */
export async function endWork({ worker, publisher, leases, log }: InHand, serving: Promise<unknown>, msMax: number): Promise<void> {
  const inHand = Promise.all([serving, worker.stop(), publisher.stop()]).then(() => leases.whenFree());
  await withDeadline(msMax, inHand).catch((error: unknown) => log.warn('work in hand was left', errorFields(error)));
  await leases.giveBack();
}

/** Ends the process, with status 1, unless it has ended by itself within `msMax`. */
export function endWithin(msMax: number, log: Log): void {
  setTimeout(() => {
    log.error('the process did not end in time', { msMax });
    process.exit(1);
  }, msMax).unref();
}
