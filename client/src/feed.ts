import { BillingError } from './errors.js';
import type { FeedEvent } from './events.js';
import { List, type Page } from './list.js';
import { pause } from './repeat.js';

const POLL_MS = 1_000;

/** The events of the app, oldest first: as a list it ends with the last one there is. */
export class Feed extends List<FeedEvent> {
  readonly #ask: (after: string | null) => Promise<Page<FeedEvent>>;
  readonly #signal: AbortSignal | undefined;

  constructor(ask: (after: string | null) => Promise<Page<FeedEvent>>, signal: AbortSignal | undefined) {
    super(ask);
    this.#ask = ask;
    this.#signal = signal;
  }

  /**
   * Every event from the beginning, or from `after` on, and then those that come, for ever: looks again after `pollMs`.
   * Each look is a request of the key's app and counts for its limit; where that is used up, it waits until it is not.
   * Ends when the signal of the call aborts. Throws what else a call throws; begin again then behind the last `cursor`.
   */
  async *follow({ pollMs = POLL_MS }: { readonly pollMs?: number } = {}): AsyncGenerator<FeedEvent, void, undefined> {
    let after: string | null = null;
    while (this.#signal?.aborted !== true) {
      const page: Page<FeedEvent> | number | null = await this.#ask(after).catch((error: unknown) => {
        if (this.#signal?.aborted === true) return null;
        if (error instanceof BillingError && error.code === 'RATE_LIMITED' && error.retryAfterMs !== null) return error.retryAfterMs;
        throw error;
      });
      if (page === null) return;
      if (typeof page === 'number') {
        await pause(page, this.#signal).catch(() => undefined);
        continue;
      }
      yield* page.nodes;
      after = page.endCursor ?? after;
      if (!page.hasNextPage) await pause(pollMs, this.#signal).catch(() => undefined);
    }
  }

  /** Where the feed ends now: what comes later is read with `after`. Null while there is no event. */
  async end(): Promise<string | null> {
    let cursor: string | null = null;
    for await (const event of this) ({ cursor } = event);
    return cursor;
  }
}
