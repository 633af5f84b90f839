import { withDeadline } from './deadline.js';

/** Scrapes that come close together share what one of them read, ms. */
const REUSED_FOR_MS = 2_000;
/** A scrape waits no longer than this for the database, ms: without it there are all other metrics. */
const PATIENCE_MS = 2_500;

/**
 * What scrapes read of the database: one after the other, so that a scrape takes one connection and is not what it
 * warns of. It never keeps other metrics from being told.
 */
export class ScrapedReads {
  private turn: Promise<unknown> = Promise.resolve();

  /**
   * A reading that may be asked for as often as one likes; null while the database does not answer, and `onError` hears
   * why. No reading begins before the last of its kind has ended, however long that takes.
   */
  reading<Result>(read: () => Promise<Result>, onError: (error: unknown) => void): () => Promise<Result | null> {
    let reusedUntil = 0;
    let last: Promise<Result | null> | null = null;
    const begin = async () => {
      const result = await this.inTurn(read).catch((error: unknown) => {
        onError(error);
        return null;
      });
      reusedUntil = performance.now() + REUSED_FOR_MS;
      return result;
    };
    return () => {
      if (last === null || performance.now() > reusedUntil) {
        reusedUntil = Number.POSITIVE_INFINITY;
        last = begin();
      }
      return withDeadline(PATIENCE_MS, last).catch(() => null);
    };
  }

  private inTurn<Result>(read: () => Promise<Result>): Promise<Result> {
    const reading = this.turn.then(read);
    this.turn = reading.catch(() => undefined);
    return reading;
  }
}
