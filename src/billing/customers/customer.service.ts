import { type Clock } from '../../platform/clock.js';
import { CursorRepository } from '../../platform/cursors.js';
import { AppError, NotConfirmedYet, NotFound, ProcessorRejected } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import { JobRepository } from '../../platform/jobs/job.repository.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Lease } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer, TilledCustomerParams } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { assertVersion } from '../kit/expected-version.js';
import { mergedMetadata } from '../kit/metadata.js';
import { markedId, markOf, type Processor } from '../kit/processor.js';
import { matchAndLockRow } from '../kit/row-match.js';
import type { Customer } from './customer.entity.js';
import { CustomerInUse, DuplicateExternalId } from './customer.errors.js';
import type { CustomerCreateInput, CustomerDeleteInput, CustomerUpdateInput } from './customer.inputs.js';
import { namesForTilled } from './customer.name.js';
import { CustomerRepository } from './customer.repository.js';

/** What nouns above customers know about one: asked before a customer is deleted. */
export interface CustomerDependents {
  /** What has to end first, in a sentence that says how; null if nothing has. */
  inTheWay(scope: Scope, customerId: string): Promise<string | null>;
  /** Detaches every payment method of the customer an execution is about, at Tilled too; repeatable. */
  detachMethods(scope: Scope, execution: Execution): Promise<void>;
}

interface CustomerServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Carries a changed customer to Tilled. */
export const CUSTOMER_PUSH = 'customerPush';

/** How the cursors are called that say up to where the traces of a deleted customer were removed. */
export const ERASURE = 'erasure.';

const CREATE = 'customerCreate';
const DELETE = 'customerDelete';
const DELETED_EMAIL = 'deleted@deleted.invalid';

/** Customers: made, changed and forgotten here first, then at Tilled. */
export class CustomerService {
  constructor(
    private readonly parts: CustomerServiceParts,
    private readonly dependents: CustomerDependents,
  ) {}

  readonly creation: IdempotentMutation<Customer> = {
    operation: CREATE,
    execute: (scope, execution) => this.sendCreate(scope, execution),
    withdraw: async (scope, execution) => CustomerRepository.of(scope).remove(await CustomerRepository.of(scope).lock(execution.subject)),
    load: (scope, id) => CustomerRepository.of(scope).findCommitted(id),
  };

  readonly deletion: IdempotentMutation<Customer> = {
    operation: DELETE,
    execute: (scope, execution) => this.sendDelete(scope, execution),
    withdraw: unmark,
    refuse: unmark,
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
    const lease = await scope.transaction(async (tx) => {
      const customer = await this.lockLive(tx, input.id);
      assertVersion(customer, input.expectedVersion);
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

  delete(scope: Scope, input: CustomerDeleteInput): Promise<Outcome<Customer>> {
    return this.parts.intents.run(scope, this.deletion, {
      input,
      intend: async (tx) => {
        const customer = await this.lockLive(tx, input.id);
        const isBeingMade = customer.tilledCustomerId === null && (await JobRepository.of(tx).about(customer.id, [CREATE])).length > 0;
        if (isBeingMade) throw new NotConfirmedYet('customer');
        const inTheWay = await this.dependents.inTheWay(tx, customer.id);
        if (inTheWay !== null) throw new CustomerInUse(inTheWay);
        customer.deletingAt = this.parts.clock.now();
        return { subject: customer.id };
      },
    });
  }

  /** Brings Tilled's copy in line with ours. The handler of CUSTOMER_PUSH. */
  async push(scope: Scope, lease: Lease): Promise<void> {
    scope.request.workOn(lease.subject);
    const customer = await CustomerRepository.of(scope).findLive(lease.subject);
    const tilledId = customer?.tilledCustomerId ?? null;
    if (customer !== null && tilledId !== null) {
      await this.parts.processor.send(scope, lease, (tilled) => tilled.updateCustomer(tilledId, paramsOf(scope, customer)));
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
    if (isDuplicate) return recordDuplicate(tx, duplicateOf(customer.id, snapshot));
    customer.tilledCustomerId ??= snapshot.id;
    tx.request.log.info('customer mirrored', { customerId: customer.id, tilledCustomerId: snapshot.id });
  }

  private async sendCreate(scope: Scope, execution: Execution): Promise<void> {
    const customer = await CustomerRepository.of(scope).get(execution.subject);
    if (customer.tilledCustomerId !== null) return;
    const known = execution.isFirst ? null : await this.findAtTilled(scope, customer.id);
    if (known === null) await execution.assertNothingUnderWay();
    const snapshot = known ?? (await this.createAtTilled(scope, execution, customer));
    await scope.transaction((tx) => this.mirror(tx, snapshot));
  }

  /** A customer that Tilled refused to make is deleted, so that its external id is free again. */
  private async createAtTilled(scope: Scope, execution: Execution, customer: Customer): Promise<TilledCustomer> {
    try {
      return await this.parts.processor.send(scope, execution.lease, (tilled) => tilled.createCustomer(paramsOf(scope, customer)));
    } catch (error) {
      if (error instanceof ProcessorRejected) {
        await scope.transaction(async (tx) => {
          CustomerRepository.of(tx).remove(await CustomerRepository.of(tx).lock(customer.id));
          await execution.confirm(tx);
        });
      }
      throw error;
    }
  }

  private async findAtTilled(scope: Scope, id: string): Promise<TilledCustomer | null> {
    const list = await this.parts.processor.ask(scope, (tilled) => tilled.listCustomers({ metadata: markOf(scope, id), limit: 1 }));
    return list.items.find((item) => markedId(scope, item.metadata) === id) ?? null;
  }

  private async sendDelete(scope: Scope, execution: Execution): Promise<void> {
    await this.dependents.detachMethods(scope, execution);
    const { tilledCustomerId } = await CustomerRepository.of(scope).get(execution.subject);
    if (tilledCustomerId !== null)
      await this.parts.processor.sendIfThere(scope, execution.lease, (tilled) => tilled.deleteCustomer(tilledCustomerId));
    await scope.transaction(async (tx) => {
      const customer = await CustomerRepository.of(tx).lock(execution.subject);
      const now = this.parts.clock.now();
      const nothing = { email: DELETED_EMAIL, name: null, externalId: null, metadata: {} };
      Object.assign(customer, { ...nothing, deletingAt: null, deletedAt: now, updatedAt: now });
      // Events that Tilled still sends tell of them again: the retention sweep looks for those.
      await CursorRepository.of(tx).moveTo(ERASURE + customer.id, '');
      tx.request.log.info('customer deleted', { customerId: customer.id, tilledCustomerId });
    });
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

  private async lockLive(tx: Scope, id: string): Promise<Customer> {
    const customer = await CustomerRepository.of(tx).lock(id);
    if (customer.deletedAt !== null) throw new NotFound('customer', id);
    if (customer.deletingAt !== null) throw new AlreadyRunning(DELETE, id);
    return customer;
  }

  private async assertExternalIdFree(tx: Scope, externalId: string | null | undefined): Promise<void> {
    if (!externalId) return;
    const other = await CustomerRepository.of(tx).findByExternalId(externalId);
    if (other !== null) throw new DuplicateExternalId(externalId, other);
  }
}

/** They are not deleted after all. */
async function unmark(tx: Scope, { subject }: Execution): Promise<void> {
  (await CustomerRepository.of(tx).lock(subject)).deletingAt = null;
}

function paramsOf(scope: Scope, customer: Customer): TilledCustomerParams {
  return { email: customer.email, ...namesForTilled(customer.name), metadata: markOf(scope, customer.id) };
}

/** A second customer with the mark of ours. It is there until it is deleted. */
export function duplicateOf(customerId: string, { id }: TilledCustomer): Duplicate {
  return { kind: DivergenceKind.CUSTOMER, originalId: customerId, tilledId: id, theirs: {}, isOver: false };
}
