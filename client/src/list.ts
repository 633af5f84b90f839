/** Some entries of a list. */
export interface Page<Node> {
  readonly nodes: readonly Node[];
  /** Where to read on: the `after` of the next page (the `afterId` of a list without cursors). */
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

/**
 * A list that is read as far as it is wanted: `for await (const payment of client.payments())` asks for page after
 * page, 100 entries at a time unless `first` says otherwise. Nothing is asked before.
 */
export class List<Node> implements AsyncIterable<Node> {
  readonly #ask: (after: string | null, isEach: boolean) => Promise<Page<Node>>;

  /** `isEach`: whether all entries are wanted, so that pages may be large. */
  constructor(ask: (after: string | null, isEach: boolean) => Promise<Page<Node>>) {
    this.#ask = ask;
  }

  /** The first page, as large as `first` says; what comes after it is asked for with `after`. */
  page(): Promise<Page<Node>> {
    return this.#ask(null, false);
  }

  /** Every entry from the beginning, or from `after` on. Throws what a call throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Node, void, undefined> {
    let after: string | null = null;
    for (;;) {
      const page: Page<Node> = await this.#ask(after, true);
      yield* page.nodes;
      // The same place again would be read for ever.
      if (!page.hasNextPage || page.endCursor === null || page.endCursor === after) return;
      after = page.endCursor;
    }
  }
}
