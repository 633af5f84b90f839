import { Coalescer } from './coalescer.js';

/** Three reads of a kind under way keep the database busy; what is asked meanwhile goes into the next one. */
const LIMITS = { writesMax: 3, besideMin: 1, itemsMax: 100, waitingMax: 100_000, isolatesFailures: false, inFewSizes: false };

/**
 * Lets requests that ask the same kind of thing at the same time share a statement. Nothing is remembered: a read begins after it was
 * asked for, so everybody sees what was committed before their question.
 */
export class SharedReads {
  private readonly lanes = new Map<string, Coalescer<unknown, unknown>>();

  /**
   * The values of `keys`, in their order, read by `read` together with the keys that others ask for in this lane. Whoever shares a
   * lane must be allowed to see the same rows.
   */
  async load<Key, Value>(
    lane: string,
    keys: readonly Key[],
    read: (keys: readonly Key[]) => Promise<readonly Value[]>,
  ): Promise<readonly Value[]> {
    const known = this.lanes.get(lane) as Coalescer<Key, Value> | undefined;
    const coalescer = known ?? new Coalescer<Key, Value>((together) => readDistinct(together, read), LIMITS);
    if (known === undefined) this.lanes.set(lane, coalescer as Coalescer<unknown, unknown>);
    try {
      return await Promise.all(keys.map((key) => coalescer.add(key)));
    } finally {
      if (coalescer.isIdle) this.lanes.delete(lane);
    }
  }
}

async function readDistinct<Key, Value>(
  keys: readonly Key[],
  read: (keys: readonly Key[]) => Promise<readonly Value[]>,
): Promise<readonly Value[]> {
  const distinct = [...new Set(keys)];
  const values = await read(distinct);
  if (distinct.length === keys.length) return values;
  const byKey = new Map(distinct.map((key, index) => [key, values[index] as Value]));
  return keys.map((key) => byKey.get(key) as Value);
}
