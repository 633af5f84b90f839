import type { Page, PageRequest, Part } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Dispute } from './dispute.entity.js';
import { DISPUTING_STATUSES, type DisputeStatus } from './dispute.states.js';

/** Disputes of an app. */
export class DisputeRepository extends TenantRepository<Dispute> {
  protected readonly entity = Dispute;
  protected readonly noun = 'dispute';
  protected override readonly customerProperty = 'customerId';
  protected override readonly made = { prefix: 'dp', property: 'createdAt' } as const;

  findByTilledId(tilledDisputeId: string): Promise<Dispute | null> {
    return this.findBy('tilledDisputeId', tilledDisputeId);
  }

  /** A part of the disputes of a payment, oldest first. */
  shownOf(paymentId: string, part: Part): Promise<Dispute[]> {
    return this.partOf('paymentId', paymentId, {}, part);
  }

  /** Whether a dispute of the payment is open or lost. */
  async isDisputed(paymentId: string): Promise<boolean> {
    return (await this.rows({ paymentId, status: DISPUTING_STATUSES })).length > 0;
  }

  list(page: PageRequest, status: DisputeStatus[] | null): Promise<Page<Dispute>> {
    return this.page(status === null ? {} : { status }, page);
  }
}
