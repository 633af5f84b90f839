import { withDeadline } from '../deadline.js';
import { errorFields, type Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { type GrantedPoints, type LimitKey, type LimitRule, type LimitStore, MemoryLimitStore } from './limit-store.js';

const ANSWER_MS_MAX = 2_000;
const TRY_AGAIN_AFTER_MS = 5_000;

/**
 * A store that is never in the way: while the shared one does not answer, each process counts alone, with the same
 * limits, and says so in the log and the metrics.
 */
export class GuardedLimitStore implements LimitStore {
  private readonly local = new MemoryLimitStore();
  private downUntil = 0;
  /** Said once, however many requests find it so, and once when it is over. */
  private isSaid = false;

  constructor(private readonly parts: { readonly shared: LimitStore; readonly log: Log; readonly metrics: Metrics }) {}

  lease(key: LimitKey, rule: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints> {
    return this.guarded((store) => store.lease(key, rule, nowMs, isSingle));
  }

  read(key: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null> {
    return this.guarded((store) => store.read(key, nowMs));
  }

  /** Lets go of the shared store's connection, if it has one of its own. */
  close(): void {
    this.parts.shared.close?.();
  }

  private async guarded<Result>(ask: (store: LimitStore) => Promise<Result>): Promise<Result> {
    if (Date.now() < this.downUntil) return ask(this.local);
    try {
      const answer = await withDeadline(ANSWER_MS_MAX, ask(this.parts.shared));
      if (this.isSaid) this.parts.log.warn('limit store reached again');
      this.isSaid = false;
      return answer;
    } catch (error) {
      this.downUntil = Date.now() + TRY_AGAIN_AFTER_MS;
      this.parts.metrics.limitStoreFailures.inc();
      if (!this.isSaid) this.parts.log.error('limit store not reached, counting in this process', errorFields(error));
      this.isSaid = true;
      return ask(this.local);
    }
  }
}
