import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { type Filter, TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Subscription } from './subscription.entity.js';
import { LIVE_STATUSES, type SubscriptionStatus } from './subscription.states.js';

/** Subscriptions of an app. */
export class SubscriptionRepository extends TenantRepository<Subscription> {
  protected readonly entity = Subscription;
  protected readonly noun = 'subscription';
  protected override readonly customerProperty = 'customerId';

  findByTilledId(tilledSubscriptionId: string): Promise<Subscription | null> {
    return this.findBy('tilledSubscriptionId', tilledSubscriptionId);
  }

  tilledIdOf({ tilledSubscriptionId }: Subscription): string | null {
    return tilledSubscriptionId;
  }

  /** The subscription as it is now, locked and managed, or null. */
  lockByTilledId(tilledSubscriptionId: string): Promise<Subscription | null> {
    return this.lockBy({ tilledSubscriptionId });
  }

  list(page: PageRequest, status: SubscriptionStatus[] | null, customerId: string | null): Promise<Page<Subscription>> {
    return this.page({ ...ofStatus(status), ...(customerId === null ? {} : { customerId }) }, page);
  }

  ofCustomer(customerId: string, page: PageRequest, status: SubscriptionStatus[] | null): Promise<Page<Subscription>> {
    return this.pageOf('customerId', customerId, ofStatus(status), page);
  }

  /** Whether something will still be collected from the customer. */
  async isAnyLiveOf(customerId: string): Promise<boolean> {
    return (await this.list({ first: 1 }, [...LIVE_STATUSES], customerId)).rows.length > 0;
  }

  async isAnyLiveWith(paymentMethodId: string): Promise<boolean> {
    return (await this.page({ paymentMethodId, status: LIVE_STATUSES }, { first: 1 })).rows.length > 0;
  }
}

function ofStatus(status: readonly SubscriptionStatus[] | null): Filter<Subscription> {
  return status === null ? {} : { status };
}
