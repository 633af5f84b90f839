import type { LimitDecision } from '../limits/leased-limit.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { CallNote } from '../outbox/outbox-event.entity.js';

/** What is logged, counted and noted about one request, or one try at a job. Its transactions share it. */
export class RequestRecord {
  /** How long it has waited for the processor so far, ms. */
  processorMs = 0;
  /** Whether an answer in it is that of an earlier request. */
  hasReplayed = false;
  /** How the limit of requests stands after it; null where none is counted. */
  limitDecision: LimitDecision | null = null;
  /**
   * Whether what is being recorded was read at the processor a while ago, so that our own work may have gone further
   * since.
   */
  mayBeStale = false;
  /** Which mutation is being carried out for its caller; null where none is. */
  mutation: string | null = null;
  /** What its mutations answered, for when their answer is lost on its way out. */
  readonly answers: { readonly operation: string; readonly payload: unknown }[] = [];
  private readonly calls: CallNote[] = [];
  private work: { readonly objectId: string; readonly cause: string | null } | null = null;

  /**
   * @param log carries the app and the request id on every line
   * @param metrics what this process counts; of what is done in a transaction only after its commit
   */
  constructor(
    readonly log: Log,
    readonly metrics: Metrics,
  ) {}

  /** What is written down from now on is about this object; `cause` is what made a job take it up. */
  workOn(objectId: string, cause: string | null = null): void {
    this.work = { objectId, cause };
  }

  /** The object it is about, as far as it was said. */
  get objectId(): string | null {
    return this.work?.objectId ?? null;
  }

  /** What made a job do what it does; null for callers, who cause what they do. */
  get cause(): string | null {
    return this.work?.cause ?? null;
  }

  /** Notes a call to the processor; it is written down with whatever is committed next. */
  noteCall(call: CallNote): void {
    this.calls.push(call);
  }

  /** Calls that are not written down yet. */
  get unwrittenCalls(): readonly CallNote[] {
    return [...this.calls];
  }

  /** The first `count` calls are written down. */
  dropCalls(count: number): void {
    this.calls.splice(0, count);
  }
}
