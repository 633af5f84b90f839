import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { recordEvent } from '../../platform/outbox/outbox.js';
import type { Filter } from '../../platform/tenancy/filters.js';
import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Payment } from './payment.entity.js';
import { OVER_STATUSES, PaymentStatus, UNDECIDED_STATUSES } from './payment.states.js';

/** Which payments are listed; all where nothing is said. */
interface PaymentFilter {
  readonly status?: PaymentStatus[] | null;
  readonly customerId?: string | null;
  readonly referenceId?: string | null;
}

/** Payments of an app. */
export class PaymentRepository extends TenantRepository<Payment> {
  protected readonly entity = Payment;
  protected readonly noun = 'payment';
  protected override readonly customerProperty = 'customerId';
  protected override readonly made = { prefix: 'pay', property: 'createdAt' } as const;

  findByTilledId(tilledPaymentIntentId: string): Promise<Payment | null> {
    return this.findBy('tilledPaymentIntentId', tilledPaymentIntentId);
  }

  tilledIdOf({ tilledPaymentIntentId }: Payment): string | null {
    return tilledPaymentIntentId;
  }

  /** What a reference stands for: the payment that took or may take the money, else the newest, if there is one. */
  async findByReferenceId(referenceId: string): Promise<Payment | null> {
    const holder = await this.findHolderOf(referenceId);
    if (holder !== null) return holder;
    const [newest = null] = (await this.page({ referenceId }, { first: 1 })).rows;
    return newest;
  }

  /** The payment that took the money of a reference, or may take it; null while the reference is free. */
  findHolderOf(referenceId: string): Promise<Payment | null> {
    return this.findBy('referenceHeld', referenceId);
  }

  /** The same as it is now, locked and managed. */
  async lockHolderOf(referenceId: string): Promise<Payment | null> {
    // Looked for without a lock first: locking where nothing is keeps others from putting something there.
    const holder = await this.findHolderOf(referenceId);
    return holder === null ? null : this.lockBy({ id: holder.id, referenceHeld: referenceId });
  }

  /** Has a locked payment hold its reference again; false, and nothing is changed, if another has it by now. */
  async holdReference(payment: Payment): Promise<boolean> {
    try {
      const holding = 'update billing_payments set reference_held = reference_id where app_id = ? and id = ?';
      await this.scope.db.run(holding, [this.scope.appId, payment.id]);
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return false;
      throw error;
    }
    payment.referenceHeld = payment.referenceId;
    return true;
  }

  /** The oldest payment that took, or may take, money under a reference without holding it; null if there is none. */
  async findBesideHolder(referenceId: string): Promise<Payment | null> {
    const status = Object.values(PaymentStatus).filter((one) => !OVER_STATUSES.includes(one));
    const [oldest = null] = await this.rows({ referenceId, referenceHeld: null, status });
    return oldest;
  }

  /** Whether a payment was ever in this state, as far as we saw. */
  async wasEver(id: string, status: PaymentStatus): Promise<boolean> {
    const found = await this.scope.db.query(
      'select 1 as found from billing_events where app_id = ? and object_id = ? and to_status = ? limit 1',
      [this.scope.appId, id, status],
    );
    return found.length > 0;
  }

  /** Gives a payment its intent at Tilled, unless it has one: whether it is this one's. */
  async takeIntent(id: string, tilledPaymentIntentId: string): Promise<boolean> {
    const taken = await this.scope.db.run(
      'update billing_payments set tilled_payment_intent_id = ?, version = version + 1 where app_id = ? and id = ? and tilled_payment_intent_id is null',
      [tilledPaymentIntentId, this.scope.appId, id],
    );
    if (taken === 0) return false;
    const changes = { tilledPaymentIntentId: [null, tilledPaymentIntentId] as const };
    recordEvent(this.scope, { type: 'payment.changed', objectId: id, details: { changes } });
    return true;
  }

  list(page: PageRequest, { status, customerId, referenceId }: PaymentFilter): Promise<Page<Payment>> {
    const filter = { ...(customerId ? { customerId } : {}), ...(referenceId ? { referenceId } : {}) };
    return this.page({ ...ofStatus(status ?? null), ...filter }, page);
  }

  ofCustomer(customerId: string, page: PageRequest, status: PaymentStatus[] | null): Promise<Page<Payment>> {
    return this.pageOf('customerId', customerId, ofStatus(status), page);
  }

  /** The customer's newest payment of which it is not decided whether the money is taken; null if there is none. */
  async undecidedOf(customerId: string): Promise<Payment | null> {
    const [payment = null] = (await this.page({ customerId, status: UNDECIDED_STATUSES }, { first: 1 })).rows;
    return payment;
  }

  ofSubscription(subscriptionId: string, page: PageRequest): Promise<Page<Payment>> {
    return this.pageOf('subscriptionId', subscriptionId, {}, page);
  }
}

function ofStatus(status: readonly PaymentStatus[] | null): Filter<Payment> {
  return status === null ? {} : { status };
}
