import { AppError, Conflict, UserErrorCode, type UserErrorFacts } from '../errors.js';

/** The same key came with other input. */
export class KeyReused extends AppError {
  readonly code = UserErrorCode.IDEMPOTENCY_KEY_REUSED;
  override readonly field = ['idempotencyKey'];

  constructor() {
    super('This idempotency key was used for another request: take a new key for a new request.');
  }
}

/** The first request with this key has not ended. */
export class KeyInProgress extends AppError {
  readonly code = UserErrorCode.IDEMPOTENCY_IN_PROGRESS;
  override readonly field = ['idempotencyKey'];

  constructor(readonly retryAfterMs: number) {
    super('A request with this idempotency key is being handled: repeat it a little later.');
  }

  override facts(): UserErrorFacts {
    return { ...super.facts(), retryAfterMs: this.retryAfterMs };
  }
}

/** What another request does to the object has to end first. It passes by itself. */
export class AlreadyRunning extends Conflict {
  override readonly isOutcome = false;

  constructor(operation: string, subject: string) {
    super(`${operation} of ${subject} has not ended: wait for it and look again.`);
  }
}

/** Accepted, but the processor cannot do it yet: the job tries again later, and the caller gets no error. */
export class Postponed extends Error {
  constructor(
    readonly dueInMs: number,
    options?: ErrorOptions,
  ) {
    super('The processor cannot do it yet.', options);
  }
}
