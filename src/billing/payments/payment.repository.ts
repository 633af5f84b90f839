import { recordEvent } from '../../platform/outbox/outbox.js';
import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { type Filter, TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Payment } from './payment.entity.js';
import { type PaymentStatus, UNDECIDED_STATUSES } from './payment.states.js';

/** Payments of an app. */
export class PaymentRepository extends TenantRepository<Payment> {
  protected readonly entity = Payment;
  protected readonly noun = 'payment';
  protected override readonly customerProperty = 'customerId';

  findByTilledId(tilledPaymentIntentId: string): Promise<Payment | null> {
    return this.findBy('tilledPaymentIntentId', tilledPaymentIntentId);
  }

  tilledIdOf({ tilledPaymentIntentId }: Payment): string | null {
    return tilledPaymentIntentId;
  }

  findByReferenceId(referenceId: string): Promise<Payment | null> {
    return this.findBy('referenceId', referenceId);
  }

  /** The same as it is now, locked and managed. */
  async lockByReferenceId(referenceId: string): Promise<Payment | null> {
    // Looked for without a lock first: locking where nothing is keeps others from putting something there.
    return (await this.findByReferenceId(referenceId)) === null ? null : this.lockBy({ referenceId });
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

  list(page: PageRequest, status: PaymentStatus[] | null, customerId: string | null): Promise<Page<Payment>> {
    return this.page({ ...ofStatus(status), ...(customerId === null ? {} : { customerId }) }, page);
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
