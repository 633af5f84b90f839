import { type Clock } from '../../platform/clock.js';
import { AppError, ProcessorRejected } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Lease } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { assertVersion } from '../kit/expected-version.js';
import { mergedMetadata } from '../kit/metadata.js';
import { namingInput, type SentFields } from '../kit/refused-input.js';
import { matchAndLockRow } from '../kit/row-match.js';
import type { Customer } from './customer.entity.js';
import { CustomerMissing, DuplicateExternalId } from './customer.errors.js';
import type { CustomerCreateInput, CustomerUpdateInput } from './customer.inputs.js';
import { isCalledTheSame } from './customer.name.js';
import { CustomerRepository } from './customer.repository.js';
import type { CustomerSender } from './customer.sender.js';

interface CustomerServiceParts {
  readonly sender: CustomerSender;
  readonly intents: Intents;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What the intent of a creation left for its execution: whom Tilled had before, if they are made there anew. */
type CreationPayload = { readonly missingId: string } | null;

/** Carries a changed customer to Tilled, or what became of a deleted one. */
export const CUSTOMER_PUSH = 'customerPush';

const CREATE = 'customerCreate';
const SENT_FIELDS: SentFields = { email: ['email'], first_name: ['name'], last_name: ['name'] };

/** Customers: made and changed here first, then at Tilled. */
export class CustomerService {
  constructor(private readonly parts: CustomerServiceParts) {}

  readonly creation: IdempotentMutation<Customer> = {
    operation: CREATE,
    sells: false,
    execute: (scope, execution) => namingInput(SENT_FIELDS, () => this.sendCreate(scope, execution)),
    withdraw: (tx, execution) => this.undoCreation(tx, execution),
    load: (scope, id) => CustomerRepository.of(scope).findCommitted(id),
  };

  create(scope: Scope, input: CustomerCreateInput): Promise<Outcome<Customer>> {
    return this.parts.intents.run(scope, this.creation, {
      input,
      intend: async (tx) => {
        await this.assertExternalIdFree(tx, input.externalId);
        const now = this.parts.clock.now();
        const customer = CustomerRepository.of(tx).add({
          id: this.parts.ids.make('cus'),
          version: 1,
          externalId: input.externalId ?? null,
          email: input.email.toLowerCase(),
          name: input.name ?? null,
          metadata: mergedMetadata({}, input.metadata),
          tilledCustomerId: null,
          missingSince: null,
          deletingAt: null,
          deletedAt: null,
          createdAt: now,
          updatedAt: now,
        });
        return { subject: customer.id };
      },
    });
  }

  /** Changes our row, then carries it to Tilled: at once if Tilled answers, else by the job. */
  async update(scope: Scope, input: CustomerUpdateInput): Promise<Outcome<Customer>> {
    const known = await CustomerRepository.of(scope).findLive(input.id);
    if (!input.recreate || known === null || known.missingSince === null) return this.change(scope, input);
    const made = await this.recreate(scope, input);
    return made.errors.length > 0 ? made : this.change(scope, { ...input, expectedVersion: null });
  }

  /** Makes a customer at Tilled again, whom somebody deleted there. */
  private recreate(scope: Scope, input: CustomerUpdateInput): Promise<Outcome<Customer>> {
    return this.parts.intents.run(scope, this.creation, {
      input,
      intend: async (tx) => {
        const customer = await CustomerRepository.of(tx).lockLive(input.id);
        assertVersion(customer, input.expectedVersion);
        const { id, tilledCustomerId: missingId } = customer;
        if (customer.missingSince === null || missingId === null) throw new AlreadyRunning(CREATE, id);
        Object.assign(customer, { tilledCustomerId: null, missingSince: null, updatedAt: this.parts.clock.now() });
        const payload: CreationPayload = { missingId };
        return { subject: id, payload };
      },
    });
  }

  private async change(scope: Scope, input: CustomerUpdateInput): Promise<Outcome<Customer>> {
    const lease = await scope.transaction(async (tx) => {
      const customer = await CustomerRepository.of(tx).lockLive(input.id);
      assertVersion(customer, input.expectedVersion);
      if (customer.missingSince !== null) throw new CustomerMissing(customer.id, ['id']);
      if (input.email) customer.email = input.email.toLowerCase();
      if (input.name !== undefined) customer.name = input.name;
      customer.metadata = mergedMetadata(customer.metadata, input.metadata);
      customer.updatedAt = this.parts.clock.now();
      const key = { kind: CUSTOMER_PUSH, subject: customer.id };
      const held = await this.parts.jobs.enqueueAndTake(tx, key);
      if (held === null) await this.parts.jobs.enqueue(tx, key);
      return held;
    });
    if (lease !== null) await this.tryPush(scope, lease).finally(() => this.parts.jobs.letGo(lease));
    return { row: await CustomerRepository.of(scope).find(input.id), errors: [], replayed: false };
  }

  /**
   * Brings Tilled's copy in line with ours; of a customer who was deleted here nothing stays there. One who is only
   * being made needs nothing: the mirror asks again if Tilled got older words. The handler of CUSTOMER_PUSH.
   */
  async push(scope: Scope, lease: Lease): Promise<void> {
    scope.request.workOn(lease.subject);
    const customer = await CustomerRepository.of(scope).find(lease.subject);
    if (customer !== null && customer.deletedAt !== null) await this.parts.sender.forget(scope, lease, customer);
    else if (customer !== null && customer.tilledCustomerId !== null) {
      const { tilledCustomerId } = customer;
      const snapshot = await this.parts.sender.update(scope, lease, customer);
      if (snapshot === null) await scope.transaction((tx) => this.markMissing(tx, tilledCustomerId));
    }
    // An older update without an answer may still come after this: then the job sends it once more later.
    const dueInMs = await this.parts.intents.underWayForMs(lease);
    await scope.transaction((tx) => (dueInMs ? this.parts.jobs.release(tx, lease, { dueInMs }) : this.parts.jobs.complete(tx, lease)));
  }

  /** Records what Tilled says of a customer we made, and reports a duplicate. Others are not ours and stay out. */
  async mirror(tx: Scope, snapshot: TilledCustomer): Promise<void> {
    const match = await matchAndLockRow(tx, CustomerRepository.of(tx), snapshot);
    if (match === null) return;
    const { row: customer, isDuplicate } = match;
    // Of somebody forgotten nothing stays there, such as what an unanswered request made late.
    if (customer.deletedAt !== null) return this.parts.jobs.enqueue(tx, { kind: CUSTOMER_PUSH, subject: customer.id });
    if (isDuplicate) return recordDuplicate(tx, duplicateOf(customer.id, snapshot));
    const isNew = customer.tilledCustomerId === null;
    if (isNew) customer.tilledCustomerId = snapshot.id;
    if (customer.missingSince !== null) customer.missingSince = null;
    // They were changed here while they were being made there.
    if (isNew && !isCalledTheSame(customer, snapshot)) await this.parts.jobs.enqueue(tx, { kind: CUSTOMER_PUSH, subject: customer.id });
    tx.request.log.info('customer mirrored', { customerId: customer.id, tilledCustomerId: snapshot.id });
  }

  /** Records that Tilled has no such customer any more. Nothing if it is none of ours, or is being deleted by us. */
  async markMissing(tx: Scope, tilledId: string): Promise<void> {
    const customer = await CustomerRepository.of(tx).lockByTilledId(tilledId);
    if (customer === null || customer.deletedAt !== null || customer.deletingAt !== null || customer.missingSince !== null) return;
    customer.missingSince = this.parts.clock.now();
    tx.request.log.warn('customer missing at tilled', { customerId: customer.id, tilledCustomerId: tilledId, divergence_risk: true });
  }

  private async sendCreate(scope: Scope, execution: Execution): Promise<void> {
    const customer = await CustomerRepository.of(scope).get(execution.subject);
    if (customer.tilledCustomerId !== null) return;
    const known = execution.isFirst ? null : await this.parts.sender.find(scope, customer.id);
    if (known === null) await execution.assertNothingUnderWay();
    const snapshot = known ?? (await this.createAtTilled(scope, execution, customer));
    await scope.transaction((tx) => this.mirror(tx, snapshot));
  }

  private async createAtTilled(scope: Scope, execution: Execution, customer: Customer): Promise<TilledCustomer> {
    try {
      return await this.parts.sender.create(scope, execution.lease, customer);
    } catch (error) {
      if (error instanceof ProcessorRejected) {
        await scope.transaction(async (tx) => {
          await this.undoCreation(tx, execution);
          await execution.confirm(tx);
        });
      }
      throw error;
    }
  }

  /** One whom Tilled did not make is deleted, so that their external id is free; one whom it had is missing again. */
  private async undoCreation(tx: Scope, { subject, payload }: Execution): Promise<void> {
    const customer = await CustomerRepository.of(tx).lock(subject);
    const before = payload as CreationPayload;
    if (before === null) CustomerRepository.of(tx).remove(customer);
    else Object.assign(customer, { tilledCustomerId: before.missingId, missingSince: this.parts.clock.now() });
  }

  private async tryPush(scope: Scope, lease: Lease): Promise<void> {
    try {
      await this.push(scope, lease);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      scope.request.log.warn('customer not carried to tilled yet', {
        customerId: lease.subject,
        divergence_risk: true,
        reason: error.message,
      });
      await this.parts.jobs.release(scope, lease, { dueInMs: 60_000, error: error.message });
    }
  }

  private async assertExternalIdFree(tx: Scope, externalId: string | null | undefined): Promise<void> {
    if (!externalId) return;
    const other = await CustomerRepository.of(tx).findByExternalId(externalId);
    if (other !== null) throw new DuplicateExternalId(externalId, other);
  }
}

/** A second customer with the mark of ours. It is there until it is deleted. */
export function duplicateOf(customerId: string, { id }: TilledCustomer): Duplicate {
  return { kind: DivergenceKind.CUSTOMER, originalId: customerId, tilledId: id, theirs: {}, isOver: false };
}
