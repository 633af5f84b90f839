import type { Clock } from '../../platform/clock.js';
import { CursorRepository } from '../../platform/cursors.js';
import { NotConfirmedYet } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import { JobRepository } from '../../platform/jobs/job.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { Customer } from './customer.entity.js';
import { CustomerInUse } from './customer.errors.js';
import type { CustomerDeleteInput } from './customer.inputs.js';
import { CustomerRepository } from './customer.repository.js';
import type { CustomerSender } from './customer.sender.js';
import { ErasureRepository } from './erasure.repository.js';

/** What a customer's row says of a person. */
export type Person = Pick<Customer, 'email' | 'name' | 'externalId' | 'metadata'>;

/** What others know that a deletion needs. */
export interface DeletionParts {
  readonly sender: CustomerSender;
  readonly intents: Intents;
  readonly clock: Clock;
  /** What has to end first, in a sentence that says how; null if nothing has. */
  inTheWay(scope: Scope, customerId: string): Promise<string | null>;
  /** Detaches every payment method of the customer an execution is about, at Tilled too; repeatable. */
  detachMethods(scope: Scope, execution: Execution): Promise<void>;
  /** The same in our books alone. Inside a transaction. */
  detachHere(tx: Scope, customerId: string): Promise<void>;
  /** Seals what is remembered of somebody until their traces are removed. */
  sealed(scope: Scope, customerId: string, person: Person): string;
}

/** How the cursors are called that say up to where the traces of a deleted customer were removed. */
export const ERASURE = 'erasure.';

const DELETED_EMAIL = 'deleted@deleted.invalid';

/**
 * Forgets customers: at Tilled, then here. What their row said is remembered, sealed, until their traces are removed.
 */
export class CustomerDeletion {
  constructor(private readonly parts: DeletionParts) {}

  readonly mutation: IdempotentMutation<Customer> = {
    operation: 'customerDelete',
    sells: false,
    execute: (scope, execution) => this.send(scope, execution),
    withdraw: unmark,
    refuse: unmark,
    load: (scope, id) => CustomerRepository.of(scope).findCommitted(id),
  };

  delete(scope: Scope, input: CustomerDeleteInput): Promise<Outcome<Customer>> {
    return this.parts.intents.run(scope, this.mutation, {
      input,
      intend: async (tx) => {
        const customer = await CustomerRepository.of(tx).lockLive(input.id);
        const isBeingMade =
          customer.tilledCustomerId === null && (await JobRepository.of(tx).about(customer.id, ['customerCreate'])).length > 0;
        if (isBeingMade) throw new NotConfirmedYet('customer');
        const inTheWay = await this.parts.inTheWay(tx, customer.id);
        if (inTheWay !== null) throw new CustomerInUse(inTheWay);
        const now = this.parts.clock.now();
        customer.deletingAt = now;
        this.remember(tx, customer);
        return { subject: customer.id };
      },
    });
  }

  /**
   * Deletes somebody again who was deleted before, and is back after a restore: in our books alone, since Tilled forgot
   * them then. Throws NotFound.
   */
  async again(scope: Scope, customerId: string, tilledCustomerId: string | null): Promise<void> {
    await scope.transaction(async (tx) => {
      const customer = await CustomerRepository.of(tx).lock(customerId);
      if ((await ErasureRepository.of(tx).find(customerId)) === null) this.remember(tx, customer);
      // With it what was still making them sees that they were made.
      customer.tilledCustomerId ??= tilledCustomerId;
      await this.parts.detachHere(tx, customerId);
      await this.markDeleted(tx, customerId);
    });
  }

  private async send(scope: Scope, execution: Execution): Promise<void> {
    await this.parts.detachMethods(scope, execution);
    await this.parts.sender.forget(scope, execution.lease, await CustomerRepository.of(scope).get(execution.subject));
    await scope.transaction((tx) => this.markDeleted(tx, execution.subject));
  }

  private remember(tx: Scope, { id, email, name, externalId, metadata }: Customer): void {
    const personSealed = this.parts.sealed(tx, id, { email, name, externalId, metadata });
    ErasureRepository.of(tx).add({ id, personSealed, createdAt: this.parts.clock.now() });
  }

  private async markDeleted(tx: Scope, customerId: string): Promise<void> {
    const customer = await CustomerRepository.of(tx).lock(customerId);
    const now = this.parts.clock.now();
    const nothing = { email: DELETED_EMAIL, name: null, externalId: null, metadata: {} };
    Object.assign(customer, { ...nothing, deletingAt: null, missingSince: null, deletedAt: now, updatedAt: now });
    // Events that Tilled still sends tell of them again: the retention sweep looks for those.
    await CursorRepository.of(tx).moveTo(ERASURE + customer.id, '');
    tx.request.log.info('customer deleted', { customerId: customer.id, tilledCustomerId: customer.tilledCustomerId });
  }
}

/** They are not deleted after all. */
async function unmark(tx: Scope, { subject }: Execution): Promise<void> {
  (await CustomerRepository.of(tx).lock(subject)).deletingAt = null;
  await ErasureRepository.of(tx).end(subject);
}
