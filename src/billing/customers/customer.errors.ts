import { AppError, Conflict, UserErrorCode } from '../../platform/errors.js';

/** Another customer of the app has this external id. */
export class DuplicateExternalId extends AppError {
  readonly code = UserErrorCode.DUPLICATE_EXTERNAL_ID;
  override readonly field = ['externalId'];

  constructor(
    readonly externalId: string,
    readonly customerId: string,
  ) {
    super(`The external id ${externalId} belongs to customer ${customerId} already: read that one with customerByExternalId.`);
  }
}

/** Something about the customer has to end before they can be deleted. That can be put right, or passes by itself. */
export class CustomerInUse extends Conflict {
  override readonly isOutcome = false;
}
