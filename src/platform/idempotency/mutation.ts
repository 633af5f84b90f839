import { type AppError, OutcomeUnknown, ProcessorUnavailable, ReadRefused, type UserErrorFacts } from '../errors.js';
import type { Lease } from '../jobs/lease.js';
import type { Scope } from '../tenancy/scope.js';

/** What a mutation answers: the row, what went wrong as expected, and whether an earlier request had it. */
export interface Outcome<Row> {
  readonly row: Row | null;
  readonly errors: readonly UserErrorFacts[];
  readonly replayed: boolean;
}

/** What an intent committed. */
export interface Intent {
  /** The id of the row that the mutation is about. */
  readonly subject: string;
  /** What the execution has to know beside the row. */
  readonly payload?: unknown;
  /**
   * Set when an earlier request already did this under the same reference, found under a lock that its withdrawal
   * needs. Nothing is done again.
   */
  readonly isExisting?: true;
  /** Set when the commit of the intent is all there is to do: the processor is not asked. */
  readonly isDone?: true;
}

/** Whether earlier calls of a mutation may still be carried out at the processor. */
export type Doubt = 'none' | 'underWay' | 'over';

/** One try at the processor's part of a mutation, after its intent was committed: by the request or by its job. */
export interface Execution {
  readonly subject: string;
  /** The payload of the intent. */
  readonly payload: unknown;
  readonly lease: Lease;
  /** False when an earlier try may have reached the processor: ask there before doing anything again. */
  readonly isFirst: boolean;
  /**
   * What may still be carried out of earlier calls that were not answered. `none`: there is no such call. `underWay`:
   * only reading is safe for now. `over`: the last of them is certainly dead.
   * Throws OutcomeUnknown when the database cannot be asked for its time.
   */
  readonly doubt: () => Promise<Doubt>;
  /**
   * To be awaited before something is sent that was not found at the processor.
   * Throws OutcomeUnknown while an earlier call is under way.
   */
  readonly assertNothingUnderWay: () => Promise<void>;
  /**
   * Throws LeaseLost unless the work is still ours.
   * To be awaited in a transaction that writes down that something was not done.
   */
  readonly confirm: (tx: Scope) => Promise<void>;
  /**
   * Ends the mutation in the transaction that records its outcome, so that both are one commit. `failure` is the
   * expected one it ended in. Nothing is written after it. A mutation that does not call it is ended after its
   * execution.
   */
  readonly conclude: (tx: Scope, failure: AppError | null) => Promise<void>;
  /** Whether the transaction that ended the mutation is committed. */
  readonly isConcluded: () => boolean;
}

/** A mutation that reaches the processor: how it is executed, undone and answered, whatever crashes between. */
export interface IdempotentMutation<Row> {
  /** The mutation's name in the schema; also the kind of the job that finishes it. */
  readonly operation: string;
  /** Whether it takes money, or arranges that some is taken: then it is not begun for an app that is suspended. */
  readonly sells: boolean;
  /** Asks the processor and records its answer; repeatable. Throws AppError for outcomes the caller must know. */
  execute(scope: Scope, execution: Execution): Promise<void>;
  /** Undoes the intent of a request that certainly never reached the processor. */
  withdraw(scope: Scope, execution: Execution): Promise<void>;
  /** Takes off what the intent marked, in the transaction in which the mutation fails for good. */
  refuse?(scope: Scope, execution: Execution): Promise<void>;
  /** The row a subject stands for. */
  load(scope: Scope, subject: string): Promise<Row | null>;
  /**
   * What a row says of how the mutation ended, whenever its key asks: so key and row never contradict each other.
   * Left out where the row cannot say it; then the key answers what was remembered.
   */
  errorsOf?(row: Row, remembered: readonly UserErrorFacts[]): readonly UserErrorFacts[];
}

/** A mutation that ends with our own commit, and that a key makes repeatable. */
export type LocalMutation<Row> = Pick<IdempotentMutation<Row>, 'operation' | 'sells' | 'load'>;

/** One request for a mutation. */
export interface MutationRequest {
  /** The mutation's input; its idempotencyKey, or else the caller's, makes it repeatable. */
  readonly input: object;
  /**
   * Writes what is wanted, in a transaction. Throws AppError when it must not be. The first try need not look for an
   * earlier request of the same reference, since the database refuses a second row; the second try has to.
   */
  intend(scope: Scope, isSecondTry: boolean): Promise<Intent>;
}

/**
 * Whether a failed try leaves open what became of the mutation. Only a first try that changed nothing at the processor
 * may say that nothing happened: what was begun is finished. A processor that refuses to show what became of it gave no
 * answer.
 */
export function isLeftOpen({ isFirst, lease }: Execution, error: unknown): boolean {
  const isUnseen = error instanceof ProcessorUnavailable || error instanceof ReadRefused;
  return error instanceof OutcomeUnknown || (isUnseen && !(isFirst && lease.hasDoneNothing));
}
