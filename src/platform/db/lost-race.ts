import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlockException, DriverException, LockWaitTimeoutException } from '@mikro-orm/core';

/** So long after the first try the last one begins at the latest, unless said otherwise, ms. */
const TRIED_FOR_MS = 10_000;
/** The pause after the first try is random below this, ms; it doubles with each try up to the other. */
const [PAUSE_MS, PAUSE_MS_MAX] = [10, 1_000];

/**
 * By the number of the error: a deadlock, which is also how Galera reports that another node's commit was first; a
 * lock that was waited for in vain; ER_CHECKREAD of a MariaDB that isolates snapshots; what MySQL's group replication
 * certified late.
 */
const LOST_RACES: ReadonlySet<number> = new Set([1213, 1205, 1020, 3101]);

/**
 * What lost a race to another transaction was rolled back: it is tried again, after pauses that grow and are random so
 * that those who met once do not meet again. Throws the last error when the time is over; nothing of it was kept.
 */
export async function retryLostRaces<T>(work: () => Promise<T>, triedForMs = TRIED_FOR_MS): Promise<T> {
  const until = performance.now() + triedForMs;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      const waitMs = Math.random() * pauseMs;
      if (!isLostRace(error) || performance.now() + waitMs > until) throw error;
      await sleep(waitMs);
    }
  }
}

/** Deadlock, certification, lock wait timeout, or (embedded) another process holding the file for too long. */
export function isLostRace(error: unknown): error is DriverException {
  if (error instanceof DeadlockException || error instanceof LockWaitTimeoutException) return true;
  return error instanceof DriverException && saysLostRace(error);
}

/** The same of an error as a server's driver says it. */
export function saysLostRace(error: unknown): boolean {
  return LOST_RACES.has(Number((error as { readonly errno?: unknown }).errno));
}
