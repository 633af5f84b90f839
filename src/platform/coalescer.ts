/** One thing waiting to be written, and who waits for it. */
interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** How many writes may be under way at once, how much one of them takes at most, and how many items may wait. */
export interface CoalescerLimits {
  readonly writesMax: number;
  /** In items, or in what `sizeOf` counts in them. An item that is larger goes alone. */
  readonly sizeMax: number;
  readonly waitingMax: number;
  /** Whether the items of a write that failed are tried one by one, so that a bad one fails alone. */
  readonly isolatesFailures: boolean;
  /**
   * For another write to begin beside those under way, as many items must wait as they have, or this many: else a busy
   * coalescer would write ever fewer at once. 1 holds nobody back.
   */
  readonly concurrentWriteMin: number;
  /** Whether a write takes 1, 2, 3, 4, 6, 8, 12, 16 … items: statements of few lengths stay prepared. */
  readonly inFewSizes: boolean;
}

/**
 * Gathers what arrives while earlier writes are under way into the next write, so that many durable writes share few
 * commits. There is no timer: an idle coalescer writes once everything that has arrived by now was added, a busy one as
 * fast as its database commits. Everybody gets the answer for their own item.
 */
export class Coalescer<Item, Result> {
  private readonly waiting: Waiting<Item, Result>[] = [];
  private writes = 0;
  private itemsUnderWay = 0;
  private isNextComing = false;

  constructor(
    /** Writes all items or none; the results are in the order of the items. */
    private readonly write: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly limits: CoalescerLimits,
    private readonly sizeOf: (item: Item) => number = () => 1,
  ) {}

  /** Resolves once the item is written. Throws at once when too many wait: the database does not keep up, or hangs. */
  add(item: Item): Promise<Result> {
    if (this.waiting.length >= this.limits.waitingMax) return Promise.reject(new Error(`${this.waiting.length} writes wait already.`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.nextSoon();
    });
  }

  /** After the requests that can be read already: a database that blocks in commits never sees two waiting else. */
  private nextSoon(): void {
    if (this.isNextComing) return;
    this.isNextComing = true;
    setImmediate(() => {
      this.isNextComing = false;
      this.next();
    });
  }

  private next(): void {
    while (this.mayBegin()) {
      const batch = this.waiting.splice(0, this.sizeOfNext());
      this.writes += 1;
      this.itemsUnderWay += batch.length;
      void this.writeTogether(batch).finally(() => {
        this.writes -= 1;
        this.itemsUnderWay -= batch.length;
        this.nextSoon();
      });
    }
  }

  private mayBegin(): boolean {
    const { writesMax, concurrentWriteMin } = this.limits;
    const isEnough = this.waiting.length >= Math.min(this.itemsUnderWay, concurrentWriteMin);
    return this.waiting.length > 0 && this.writes < writesMax && isEnough;
  }

  private sizeOfNext(): number {
    const fitting = this.fitting();
    if (!this.limits.inFewSizes) return fitting;
    const power = 2 ** Math.trunc(Math.log2(fitting));
    return fitting >= power * 1.5 ? power * 1.5 : power;
  }

  private fitting(): number {
    let size = 0;
    for (const [index, { item }] of this.waiting.entries()) {
      size += this.sizeOf(item);
      if (size > this.limits.sizeMax) return Math.max(index, 1);
    }
    return this.waiting.length;
  }

  private async writeTogether(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.write(batch.map((waiting) => waiting.item));
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    } catch (error) {
      if (batch.length > 1 && this.limits.isolatesFailures) for (const waiting of batch) await this.writeTogether([waiting]);
      else for (const waiting of batch) waiting.reject(error);
    }
  }
}
