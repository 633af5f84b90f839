import { AppError, Conflict, UserErrorCode } from '../../platform/errors.js';
import type { Customer } from './customer.entity.js';

/** Another customer of the app has this external id. */
export class DuplicateExternalId extends AppError {
  readonly code = UserErrorCode.DUPLICATE_EXTERNAL_ID;
  override readonly field = ['externalId'];
  /** One that is not at the processor yet may never be made: then the id is free again. */
  override readonly isOutcome: boolean;

  constructor(
    readonly externalId: string,
    { id, tilledCustomerId }: Pick<Customer, 'id' | 'tilledCustomerId'>,
  ) {
    super(`The external id ${externalId} belongs to customer ${id} already: read that one with customerByExternalId.`);
    this.isOutcome = tilledCustomerId !== null;
  }
}

/** Something about the customer has to end before they can be deleted. That can be put right, or passes by itself. */
export class CustomerInUse extends Conflict {
  override readonly isOutcome = false;
}

/** Somebody deleted the customer at the processor. The caller decides what becomes of them. */
export class CustomerMissing extends Conflict {
  override readonly isOutcome = false;

  constructor(
    id: string,
    override readonly field: readonly string[],
  ) {
    super(
      `The processor has no customer ${id} any more: make them there anew with customerUpdate and recreate: true, or let them go with customerDelete.`,
    );
  }
}
