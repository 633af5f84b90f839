import { setTimeout as sleep } from 'node:timers/promises';

/** The work was not done in time; it may be done yet. */
class TooLate extends Error {
  constructor(ms: number) {
    super(`There was no answer within ${ms} ms.`);
  }
}

/** The result of `work`, or TooLate after `ms`; the work itself is not stopped. */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const late = sleep(ms, undefined, { signal: done.signal }).then(() => {
    throw new TooLate(ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
