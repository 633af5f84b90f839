import { DeadlockException, LockWaitTimeoutException } from '@mikro-orm/core';

/** A write that kept losing races against others; nothing of it was kept. */
const TRIES_OF_A_TRANSACTION = 5;

/** What lost a race to another transaction was rolled back: it is tried again, a few times. */
export async function retryLostRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries >= TRIES_OF_A_TRANSACTION || !isLostRace(error)) throw error;
    }
  }
}

/** Deadlock, lock wait timeout, or (embedded) another process holding the file for too long. */
export function isLostRace(error: unknown): boolean {
  return error instanceof DeadlockException || error instanceof LockWaitTimeoutException;
}
