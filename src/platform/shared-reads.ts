import { Coalescer } from './coalescer.js';

/** The most keys that one read has. */
export const KEYS_MAX = 100;

/** Three reads of a kind under way keep the database busy; what is asked meanwhile goes into the next one. */
const LIMITS = { writesMax: 3, concurrentWriteMin: 1, sizeMax: KEYS_MAX, waitingMax: 100_000, isolatesFailures: false, inFewSizes: false };

/**
 * Lets requests that ask the same kind of thing at the same time share a statement. Nothing is remembered: a read
 * begins after it was asked for, so everybody sees what was committed before their question.
 */
export class SharedReads {
  private readonly reads = new Map<string, SharedRead>();

  /**
   * The values of `keys`, in their order, read by `read` together with the keys that others ask for under this
   * name. Whoever uses a name must be allowed to see the same rows, and values must not lead back to who read them.
   * Keys stay together: a promise for each would be more to keep than its row.
   */
  async load<Key, Value>(
    name: string,
    keys: readonly Key[],
    read: (keys: readonly Key[]) => Promise<readonly Value[]>,
  ): Promise<readonly Value[]> {
    const shared = this.reads.get(name) ?? this.open(name, read as Read);
    shared.waiting += 1;
    try {
      return (await shared.coalescer.add(keys)) as readonly Value[];
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0) this.reads.delete(name);
    }
  }

  private open(name: string, read: Read): SharedRead {
    const coalescer = new Coalescer((together: readonly Keys[]) => readDistinct(together, read), LIMITS, lengthOf);
    const shared = { coalescer, waiting: 0 };
    this.reads.set(name, shared);
    return shared;
  }
}

interface SharedRead {
  readonly coalescer: Coalescer<Keys, readonly unknown[]>;
  /** How many wait for it; the last one closes it. */
  waiting: number;
}

type Keys = readonly unknown[];
type Read = (keys: Keys) => Promise<readonly unknown[]>;

const lengthOf = (keys: Keys) => keys.length;

/** The values of the keys of each of those who read together. */
async function readDistinct(together: readonly Keys[], read: Read): Promise<readonly (readonly unknown[])[]> {
  const distinct = [...new Set(together.flat())];
  const values = await read(distinct);
  const byKey = new Map(distinct.map((key, index) => [key, values[index]]));
  return together.map((keys) => keys.map((key) => byKey.get(key)));
}
