import { setTimeout as sleep } from 'node:timers/promises';
import { isLostRace } from '../../platform/db/lost-race.js';
import { OutcomeUnknown, ProcessorUnavailable } from '../../platform/errors.js';
import { KeyInProgress } from '../../platform/idempotency/idempotency.errors.js';

/** How many calls to Tilled are under way at once. */
const AT_ONCE = 8;
/** How long a try that passes by itself is repeated, ms: longer than a call cut off by a crash is held (2 min). */
const PATIENCE_MS = 150_000;
const PAUSE_MS_MAX = 10_000;

/** Whether a failure passes by itself: it says nothing of what was tried. */
export function isPassing(error: unknown): boolean {
  return isLostRace(error) || error instanceof ProcessorUnavailable || error instanceof OutcomeUnknown || error instanceof KeyInProgress;
}

/** Repeats what passes by itself, ever more rarely, for as long as patience lasts; throws the last failure then. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() + pauseMs > givesUpAt) throw error;
      await sleep(pauseMs);
    }
  }
}

/** Does the work of all items, some at a time, in the order of the items. */
export async function inParallel<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  }
  return results;
}
