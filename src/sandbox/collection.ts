/** The least every record has. */
export interface Keyed {
  id: string;
  account_id: string;
}

/** A record in its place: seq is the order of creation, keys are the index entries it is found under. */
export interface Entry<T> {
  record: T;
  seq: number;
  keys: string[];
}

/** What a collection tells its store before it changes. */
export interface ChangeListener {
  /** The change can be undone by `undo` and written by reading the collection afterwards. */
  onChange(collection: string, id: string, undo: () => void): void;
  nextSeq(): number;
}

/**
 * Records of one kind in memory, found by id or by index keys such as `customer_id=cus_1`, newest first.
 * Every record is also found by `account_id=...`.
 */
export class Collection<T extends Keyed> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly index = new Map<string, Entry<T>[]>();
  private readonly watchers: ((entry: Entry<T>) => void)[] = [];

  constructor(
    readonly name: string,
    private readonly changes: ChangeListener,
    private readonly keysOf: (record: T) => string[] = () => [],
  ) {}

  /** The record, or undefined. */
  get(id: string): T | undefined {
    return this.entries.get(id)?.record;
  }

  /** The record with its place, or undefined. */
  entry(id: string): Entry<T> | undefined {
    return this.entries.get(id);
  }

  /** Adds a record or replaces the one of the same id. */
  put(record: T): void {
    const before = this.entries.get(record.id);
    this.changes.onChange(this.name, record.id, () => this.restore(record.id, before));
    this.place({ record, seq: before?.seq ?? this.changes.nextSeq(), keys: this.allKeysOf(record) });
  }

  /** Removes a record; one that is not there is ignored. */
  delete(id: string): void {
    const before = this.entries.get(id);
    if (before === undefined) return;
    this.changes.onChange(this.name, id, () => this.restore(id, before));
    this.remove(before);
  }

  /** Puts a record read from disk: no change is announced. */
  load(record: T, seq: number): void {
    this.place({ record, seq, keys: this.allKeysOf(record) });
  }

  /** Calls the watcher for every record put, loaded or restored. */
  watch(watcher: (entry: Entry<T>) => void): void {
    this.watchers.push(watcher);
  }

  /** Entries found under all of the keys, in order of creation. An empty list of keys finds all. */
  find(keys: readonly string[]): Entry<T>[] {
    if (keys.length === 0) return [...this.entries.values()].sort((one, other) => one.seq - other.seq);
    const lists = keys.map((key) => this.index.get(key) ?? []);
    const shortest = lists.reduce((best, list) => (list.length < best.length ? list : best));
    if (keys.length === 1) return shortest;
    return shortest.filter((entry) => keys.every((key) => entry.keys.includes(key)));
  }

  /** Records found under all of the keys, in order of creation. */
  records(keys: readonly string[] = []): T[] {
    return this.find(keys).map((entry) => entry.record);
  }

  /** Forgets everything, unannounced. */
  clear(): void {
    this.entries.clear();
    this.index.clear();
  }

  private allKeysOf(record: T): string[] {
    return [`account_id=${record.account_id}`, ...this.keysOf(record)];
  }

  private restore(id: string, before: Entry<T> | undefined): void {
    const current = this.entries.get(id);
    if (before !== undefined) this.place(before);
    else if (current !== undefined) this.remove(current);
  }

  private place(entry: Entry<T>): void {
    const current = this.entries.get(entry.record.id);
    if (current !== undefined) this.remove(current);
    this.entries.set(entry.record.id, entry);
    for (const key of entry.keys) insertBySeq(this.listOf(key), entry);
    for (const watcher of this.watchers) watcher(entry);
  }

  private remove(entry: Entry<T>): void {
    this.entries.delete(entry.record.id);
    for (const key of entry.keys) {
      const list = this.listOf(key);
      list.splice(positionOf(list, entry.seq), 1);
      if (list.length === 0) this.index.delete(key);
    }
  }

  private listOf(key: string): Entry<T>[] {
    const existing = this.index.get(key);
    if (existing !== undefined) return existing;
    const created: Entry<T>[] = [];
    this.index.set(key, created);
    return created;
  }
}

function insertBySeq<T>(list: Entry<T>[], entry: Entry<T>): void {
  const last = list.at(-1);
  if (last === undefined || last.seq < entry.seq) list.push(entry);
  else list.splice(positionOf(list, entry.seq), 0, entry);
}

/** The first position whose seq is not lower. */
function positionOf<T>(list: readonly Entry<T>[], seq: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.seq ?? Number.POSITIVE_INFINITY) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
