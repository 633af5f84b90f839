/** What a mutation may answer in `userErrors.code`; a closed list, part of the public contract. */
export enum UserErrorCode {
  INVALID = 'INVALID',
  NOT_FOUND = 'NOT_FOUND',
  CONFLICT = 'CONFLICT',
  STALE_VERSION = 'STALE_VERSION',
  DUPLICATE_EXTERNAL_ID = 'DUPLICATE_EXTERNAL_ID',
  DUPLICATE_REFERENCE = 'DUPLICATE_REFERENCE',
  NO_PAYMENT_METHOD = 'NO_PAYMENT_METHOD',
  PAYMENT_METHOD_IN_USE = 'PAYMENT_METHOD_IN_USE',
  PAYMENT_DECLINED = 'PAYMENT_DECLINED',
  PAYMENT_CANCELED = 'PAYMENT_CANCELED',
  PAYMENT_DISPUTED = 'PAYMENT_DISPUTED',
  ILLEGAL_TRANSITION = 'ILLEGAL_TRANSITION',
  REFUND_TOO_LARGE = 'REFUND_TOO_LARGE',
  APP_SUSPENDED = 'APP_SUSPENDED',
  IDEMPOTENCY_KEY_REUSED = 'IDEMPOTENCY_KEY_REUSED',
  IDEMPOTENCY_IN_PROGRESS = 'IDEMPOTENCY_IN_PROGRESS',
  PROCESSOR_REJECTED = 'PROCESSOR_REJECTED',
  PROCESSOR_UNAVAILABLE = 'PROCESSOR_UNAVAILABLE',
  OUTCOME_UNKNOWN = 'OUTCOME_UNKNOWN',
  TARGET_REFUSED = 'TARGET_REFUSED',
}

/** The parts of an expected failure that reach the caller, and that an idempotency key remembers. */
export interface UserErrorFacts {
  readonly code: UserErrorCode;
  readonly message: string;
  /** Path into the input, e.g. ["amount", "amountMinor"]. */
  readonly field?: readonly string[] | null;
  readonly declineCode?: string;
  readonly isRetryable?: boolean;
  readonly retryAfterMs?: number;
}

/**
 * An expected failure: the caller's fault, or news they must have. Thrown by services, answered in `userErrors`.
 * Anything else that is thrown is a fault of ours and answered as INTERNAL.
 */
export abstract class AppError extends Error {
  abstract readonly code: UserErrorCode;
  /** Whether an idempotency key remembers it. What can be corrected, or passes by itself, is no outcome. */
  readonly isOutcome: boolean = true;
  /** Path into the input the failure belongs to. */
  readonly field: readonly string[] | null = null;

  /** What the caller is told. */
  facts(): UserErrorFacts {
    return { code: this.code, message: this.message, field: this.field };
  }
}

/** One thing that is wrong with an input. */
export interface InputProblem {
  readonly field: readonly string[];
  readonly message: string;
}

/** The input breaks a rule; every problem is named at once. */
export class InvalidInput extends AppError {
  readonly code = UserErrorCode.INVALID;
  override readonly isOutcome = false;

  constructor(readonly problems: readonly InputProblem[]) {
    super(problems.map((problem) => problem.message).join(' '));
  }

  override facts(): UserErrorFacts {
    const [only, ...more] = this.problems;
    return { ...super.facts(), field: more.length === 0 ? (only?.field ?? null) : null };
  }

  static because(field: readonly string[], message: string): InvalidInput {
    return new InvalidInput([{ field, message }]);
  }
}

/** Ids are shorter; what is longer is not one and need not be repeated in full. */
const ID_SHOWN_MAX = 64;

/** There is no such object in the caller's app; another app's object answers exactly the same. */
export class NotFound extends AppError {
  readonly code = UserErrorCode.NOT_FOUND;

  constructor(
    noun: string,
    id: string,
    override readonly field: readonly string[] | null = ['id'],
  ) {
    super(`There is no ${noun} ${id.slice(0, ID_SHOWN_MAX)}.`);
  }
}

/** The object changed since the caller read it. */
export class StaleVersion extends AppError {
  readonly code = UserErrorCode.STALE_VERSION;
  override readonly field = ['expectedVersion'];

  constructor(
    readonly expectedVersion: number,
    readonly currentVersion: number,
  ) {
    super(`Expected version ${expectedVersion}, but the current version is ${currentVersion}: read it again and decide anew.`);
  }
}

/** The object's state does not allow what was asked. */
export class IllegalTransition extends AppError {
  readonly code = UserErrorCode.ILLEGAL_TRANSITION;

  constructor(noun: string, status: string, verb: string) {
    super(`A ${noun} that is ${status} cannot be ${verb}.`);
  }
}

/** Something else stands in the way; the message says what. */
export class Conflict extends AppError {
  readonly code = UserErrorCode.CONFLICT;
}

/** The operator suspended the app: nothing is sold. It passes by itself, so no key remembers it. */
export class AppSuspended extends AppError {
  readonly code = UserErrorCode.APP_SUSPENDED;
  override readonly isOutcome = false;

  constructor(operation: string) {
    super(`This app is suspended: ${operation} takes money, or arranges that some is taken. Refunds, cancellations and reads go on.`);
  }
}

/** The object is not at the processor yet: the call that makes it was not answered. It passes by itself. */
export class NotConfirmedYet extends Conflict {
  override readonly isOutcome = false;

  constructor(noun: string) {
    super(`The processor has not confirmed this ${noun} yet: repeat the request a little later.`);
  }
}

/** The app does not let this caller do it: answered as FORBIDDEN, not in userErrors. No key remembers it. */
export class NotAllowed extends Error {}

/** The processor refused the request for good; repeating it changes nothing. */
export class ProcessorRejected extends AppError {
  readonly code = UserErrorCode.PROCESSOR_REJECTED;
  override readonly field: readonly string[] | null;

  constructor(
    readonly reason: string,
    { field, ...options }: ErrorOptions & { readonly field?: readonly string[] } = {},
  ) {
    super(`The processor refused: ${reason}`, options);
    this.field = field ?? null;
  }
}

/** The processor refused to show something. That says nothing of what became of a request that was sent before. */
export class ReadRefused extends AppError {
  readonly code = UserErrorCode.PROCESSOR_REJECTED;

  constructor(reason: string, options?: ErrorOptions) {
    super(`The processor refused: ${reason}`, options);
  }
}

/** The request certainly did not reach the processor; nothing happened, and it may be sent again. */
export class ProcessorUnavailable extends AppError {
  readonly code = UserErrorCode.PROCESSOR_UNAVAILABLE;

  constructor(
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super('The processor could not be reached. Nothing happened; send the request again with the same idempotency key.', options);
  }

  override facts(): UserErrorFacts {
    return { ...super.facts(), retryAfterMs: this.retryAfterMs };
  }
}

/** The processor was asked and has not answered; it is being found out, and never guessed. */
export class OutcomeUnknown extends AppError {
  readonly code = UserErrorCode.OUTCOME_UNKNOWN;
  /** How long until something can be decided that cannot be now, ms: what was sent may be carried out until then. */
  readonly retryAfterMs: number;

  constructor({ retryAfterMs = LOOK_AGAIN_MS, ...options }: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(
      'The processor has not answered yet. The outcome is being found out: read the object again, or repeat the request with the same idempotency key.',
      options,
    );
    this.retryAfterMs = Math.ceil(retryAfterMs);
  }

  override facts(): UserErrorFacts {
    return { ...super.facts(), retryAfterMs: this.retryAfterMs };
  }
}

/** When a late answer may be worth a look, ms. */
const LOOK_AGAIN_MS = 5_000;

/** Fails loudly when our own reasoning is wrong; the client sees INTERNAL. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
