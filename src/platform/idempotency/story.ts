import { type AppError, LookRefused, OutcomeUnknown, ProcessorUnavailable, type UserErrorFacts } from '../errors.js';
import type { Lease } from '../jobs/lease.js';
import type { Scope } from '../tenancy/scope.js';

/** What a mutation answers: the row, what went wrong as expected, and whether an earlier request had it. */
export interface Outcome<Row> {
  readonly row: Row | null;
  readonly errors: readonly UserErrorFacts[];
  readonly replayed: boolean;
}

/** What an intent committed: the id the rest of the story is about, and what the rest needs to know beside the row. */
export interface Intent {
  readonly subject: string;
  readonly payload?: unknown;
  /** Set when an earlier request already did this under the same reference, found under a lock that its withdrawal needs. Nothing is done again. */
  readonly isExisting?: true;
}

/** Whether earlier requests of a story may still be carried out at the processor. */
export type Doubt = 'none' | 'underWay' | 'over';

/** The rest of a story: everything after the intent was committed. */
export interface Act {
  readonly subject: string;
  readonly payload: unknown;
  readonly lease: Lease;
  /** False when an earlier try may have reached the processor: ask there before doing anything again. */
  readonly isFirst: boolean;
  /**
   * What may still be carried out of earlier requests that were not answered: `none`; `underWay`, for as long as only looking is safe;
   * `over`, once the last of them is certainly dead. Throws OutcomeUnknown when the database cannot be asked for its time.
   */
  readonly doubt: () => Promise<Doubt>;
  /** To be awaited before something is sent that was not found at the processor. Throws OutcomeUnknown while an earlier one is under way. */
  readonly assertNothingUnderWay: () => Promise<void>;
  /** Throws LeaseLost unless the work is still ours; to be awaited in a transaction that writes down that something was not done. */
  readonly confirm: (tx: Scope) => Promise<void>;
  /**
   * Ends the story in the transaction that records its outcome, so that both are one commit; `failure` is the expected one it ended in.
   * Nothing is written after it. A story that does not call it is ended after its act.
   */
  readonly conclude: (tx: Scope, failure: AppError | null) => Promise<void>;
  /** Whether the transaction that ended the story is committed. */
  readonly isConcluded: () => boolean;
}

/** The mutations that reach the processor, each told in three parts. */
export interface Story<Row> {
  /** The mutation's name; also the kind of the job that finishes it. */
  readonly operation: string;
  /** Asks the processor and records its answer; repeatable. Throws AppError for outcomes the caller must know. */
  act(scope: Scope, act: Act): Promise<void>;
  /** Undoes the intent of a request that certainly never reached the processor. */
  withdraw(scope: Scope, act: Act): Promise<void>;
  /** Takes off what the intent marked, where the story ends in a failure for good; in the transaction that ends it. */
  refuse?(scope: Scope, act: Act): Promise<void>;
  /** The row a subject stands for. */
  load(scope: Scope, subject: string): Promise<Row | null>;
  /**
   * What a row says of how the story ended, whenever its key asks: so key and row never contradict each other. Left out where the row
   * cannot say it; then the key answers what was remembered.
   */
  errorsOf?(row: Row, remembered: readonly UserErrorFacts[]): readonly UserErrorFacts[];
}

/** A request for a story. */
export interface StoryRequest {
  /** The mutation's input; its idempotencyKey, or else the scope's, makes it repeatable. */
  readonly input: object;
  /**
   * Writes what is wanted, in a transaction. Throws AppError when it must not be. The first time it need not look for an earlier
   * request of the same reference: the database refuses it, and `isSecondLook` is said of what comes after a refusal of any kind.
   */
  intend(scope: Scope, isSecondLook: boolean): Promise<Intent>;
}

/**
 * Whether a failed try leaves open what became of the story. "Nothing happened" is only said by the first try, and only if nothing was
 * changed at the processor under it: what began is finished. Nor is a processor that refuses to show what became of it an answer.
 */
export function isLeftOpen({ isFirst, lease }: Act, error: unknown): boolean {
  const isUnseen = error instanceof ProcessorUnavailable || error instanceof LookRefused;
  return error instanceof OutcomeUnknown || (isUnseen && !(isFirst && lease.hasDoneNothing));
}
