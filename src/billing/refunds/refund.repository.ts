import type { Page, PageRequest, Part } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Refund } from './refund.entity.js';
import { RefundStatus } from './refund.states.js';

/** Stands for the Tilled id of a refund that will never have one. */
const REFUSED = '';

/** Refunds of an app. */
export class RefundRepository extends TenantRepository<Refund> {
  protected readonly entity = Refund;
  protected readonly noun = 'refund';
  protected override readonly customerProperty = 'customerId';
  protected override readonly made = { prefix: 're', property: 'createdAt' } as const;

  findByTilledId(tilledRefundId: string): Promise<Refund | null> {
    return this.findBy('tilledRefundId', tilledRefundId);
  }

  tilledIdOf({ tilledRefundId, status }: Refund): string | null {
    // One that Tilled refused stays refused: what bears its mark all the same was given beside it.
    return tilledRefundId ?? (status === RefundStatus.FAILED ? REFUSED : null);
  }

  /** The refund that gave the money of a reference, or may give it; null while the reference is free. */
  findHolderOf(referenceId: string): Promise<Refund | null> {
    return this.findBy('referenceHeld', referenceId);
  }

  /** All refunds of a payment, oldest first. */
  ofPayment(paymentId: string): Promise<Refund[]> {
    return this.allBy('paymentId', paymentId);
  }

  /** A part of the refunds of a payment, oldest first. */
  shownOf(paymentId: string, part: Part): Promise<Refund[]> {
    return this.partOf('paymentId', paymentId, {}, part);
  }

  /** All refunds of a payment as they are now, inside the transaction that holds the payment's lock. */
  countedOf(paymentId: string): Promise<Refund[]> {
    return this.rows({ paymentId });
  }

  list(page: PageRequest, paymentId: string | null): Promise<Page<Refund>> {
    return this.page(paymentId === null ? {} : { paymentId }, page);
  }
}
