import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { type Filter, TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Payment } from './payment.entity.js';
import type { PaymentStatus } from './payment.states.js';

/** Payments of an app. */
export class PaymentRepository extends TenantRepository<Payment> {
  protected readonly entity = Payment;
  protected readonly noun = 'payment';
  protected override readonly customerProperty = 'customerId';

  findByTilledId(tilledPaymentIntentId: string): Promise<Payment | null> {
    return this.findBy('tilledPaymentIntentId', tilledPaymentIntentId);
  }

  findByReferenceId(referenceId: string): Promise<Payment | null> {
    return this.findBy('referenceId', referenceId);
  }

  list(page: PageRequest, status: PaymentStatus[] | null, customerId: string | null): Promise<Page<Payment>> {
    return this.page({ ...ofStatus(status), ...(customerId === null ? {} : { customerId }) }, page);
  }

  ofCustomer(customerId: string, page: PageRequest, status: PaymentStatus[] | null): Promise<Page<Payment>> {
    return this.pageOf('customerId', customerId, ofStatus(status), page);
  }

  ofSubscription(subscriptionId: string, page: PageRequest): Promise<Page<Payment>> {
    return this.pageOf('subscriptionId', subscriptionId, {}, page);
  }
}

function ofStatus(status: readonly PaymentStatus[] | null): Filter<Payment> {
  return status === null ? {} : { status };
}
