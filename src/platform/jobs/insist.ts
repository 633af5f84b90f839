import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '../db/outage.js';

/** For how long something is asked of a database that is away, and how often, ms. */
const TRIED_FOR_MS = 60_000;
const [PAUSE_MS, PAUSE_MS_MAX] = [100, 1_000];

/** Does what may be done twice, again while the database is away. Throws what is no outage, or the last one. */
export async function insist(work: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + TRIED_FOR_MS;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      await work();
      return;
    } catch (error) {
      if (!isPassing(error) || performance.now() + pauseMs > until) throw error;
      await sleep(pauseMs, undefined, { ref: false });
    }
  }
}
