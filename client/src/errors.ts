/** What every error of the client tells. */
export interface ErrorFacts {
  /** The method that was called. */
  readonly operation: string;
  /** What is to be logged of it, without the data of anybody. */
  readonly summary: string;
  /** The gateway's own sentence; it may repeat what was sent. */
  readonly detail?: string | null;
  /** With which this can be asked again; null for reads. */
  readonly idempotencyKey?: string | null;
  /** Name it when you ask for help. */
  readonly requestId?: string | null;
  /** How long to wait before the same is asked again, ms; null where waiting does not help, or nobody knows. */
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/**
 * What a call throws. Neither its message nor what is logged of it holds personal data, secrets or what was sent: the
 * gateway's own sentence, which may, has to be asked for by name (`detail`).
 */
export class BillingError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly operation: string;
  readonly idempotencyKey: string | null;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  readonly #detail: string | null;

  constructor(code: Code, facts: ErrorFacts) {
    super(`${facts.operation}: ${facts.summary}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    // Not the name of the class, which a bundler shortens.
    this.name = code;
    this.code = code;
    this.operation = facts.operation;
    this.idempotencyKey = facts.idempotencyKey ?? null;
    this.requestId = facts.requestId ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.#detail = facts.detail ?? null;
  }

  /** A sentence for developers. It may repeat what was sent: do not log it where personal data may not be. */
  get detail(): string | null {
    return this.#detail;
  }
}

/** One expected failure, as the gateway words it. */
export interface UserErrorFacts {
  readonly code: string;
  readonly message: string;
  /** Where in the input, e.g. ["amount", "amountMinor"]. */
  readonly field: readonly string[] | null;
  readonly declineCode?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/**
 * An expected failure: the mutation answered it in its `userErrors`. A code that is not known yet has no class of its
 * own.
 */
export class UserError<Code extends string = string> extends BillingError<Code> {
  readonly field: readonly string[] | null;
  /** Why a payment was declined, in the processor's code; else null. */
  readonly declineCode: string | null;
  /** Whether the same payment method may work later, with a new key; null where nothing was declined. */
  readonly retryable: boolean | null;
  /** The id of what the mutation answered beside it, such as the declined payment; null where there is nothing. */
  readonly objectId: string | null;
  readonly #payload: Readonly<Record<string, unknown>>;
  readonly #all: readonly UserErrorFacts[];

  constructor(code: Code, facts: ErrorFacts, payload: Readonly<Record<string, unknown>>, all: readonly UserErrorFacts[]) {
    super(code, facts);
    const [first] = all;
    this.field = first?.field ?? null;
    this.declineCode = first?.declineCode ?? null;
    this.retryable = first?.retryable ?? null;
    this.objectId = idIn(payload);
    this.#payload = payload;
    this.#all = all;
  }

  /** Everything that the mutation answered, such as the payment that was declined. */
  get payload(): Readonly<Record<string, unknown>> {
    return this.#payload;
  }

  /** All failures, where an input breaks several rules. */
  get all(): readonly UserErrorFacts[] {
    return this.#all;
  }
}

/** What became of a mutation below which something failed. */
export interface Outcome {
  readonly operation: string;
  readonly id: string | null;
  readonly status: string | null;
  readonly userErrors: readonly { readonly code: string; readonly message: string }[];
}

/** The request was not one, was not allowed, came too often, or met a fault of the gateway. */
export class RequestError<Code extends string = string> extends BillingError<Code> {
  /** The status of the answer. */
  readonly status: number;
  /** Where in the answer it failed; null where nothing was done. */
  readonly path: readonly (string | number)[] | null;
  readonly #outcome: Outcome | null;

  constructor(code: Code, facts: ErrorFacts, more: { status: number; path: readonly (string | number)[] | null; outcome: Outcome | null }) {
    super(code, facts);
    this.status = more.status;
    this.path = more.path;
    this.#outcome = more.outcome;
  }

  /** What became of a mutation that was carried out all the same; null where none was, or nobody knows. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }
}

/**
 * There was no answer of the gateway: the network, the deadline, your abort signal (`cause`), or something in between
 * that answered in its place. A mutation may have been carried out: ask again with the same key.
 */
export class NoAnswer extends BillingError<'NO_ANSWER'> {
  /** The status of what answered in its place; null where nothing did. */
  readonly status: number | null;

  constructor(facts: ErrorFacts, status: number | null = null) {
    super('NO_ANSWER', facts);
    this.status = status;
  }
}

/**
 * The key of an intent is too old to be safe: the gateway may have forgotten what it did under it. Look first, then
 * forget the intent.
 */
export class IntentTooOld extends BillingError<'INTENT_TOO_OLD'> {
  constructor(facts: ErrorFacts) {
    super('INTENT_TOO_OLD', facts);
  }
}

/** It has not been decided by the deadline. Nothing went wrong; wait again, or be told by an event. */
export class StillOpen extends BillingError<'STILL_OPEN'> {
  readonly objectId: string;

  constructor(facts: ErrorFacts, objectId: string) {
    super('STILL_OPEN', facts);
    this.objectId = objectId;
  }
}

function idIn(payload: Readonly<Record<string, unknown>>): string | null {
  for (const value of Object.values(payload))
    if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string') return value.id;
  return null;
}
