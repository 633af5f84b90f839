import type { Filter } from '../../platform/tenancy/filters.js';
import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Subscription } from './subscription.entity.js';
import { LIVE_STATUSES, type SubscriptionStatus } from './subscription.states.js';

/** Subscriptions of an app. */
export class SubscriptionRepository extends TenantRepository<Subscription> {
  protected readonly entity = Subscription;
  protected readonly noun = 'subscription';
  protected override readonly customerProperty = 'customerId';
  protected override readonly made = { prefix: 'sub', property: 'createdAt' } as const;

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

  /** Whether something will still be collected with the method, and which subscriptions end before they would. */
  async collectingWith(paymentMethodId: string): Promise<{ readonly isAny: boolean; readonly ending: readonly string[] }> {
    const { rows, hasNextPage } = await this.page({ paymentMethodId, status: LIVE_STATUSES }, { first: ENDING_MAX });
    return { isAny: hasNextPage || rows.some((row) => !endsUnpaid(row)), ending: rows.map(({ id }) => id) };
  }
}

/** Beyond so many live subscriptions of one method none is looked at: one of them will be paid with it. */
const ENDING_MAX = 100;

/** Whether it ends before anything more is collected. A pause that ends earlier would have it collected. */
function endsUnpaid({ cancelAtPeriodEnd, cancelAt, nextPaymentAt, resumeAt }: Subscription): boolean {
  return cancelAtPeriodEnd && nextPaymentAt === null && (resumeAt === null || (cancelAt !== null && cancelAt <= resumeAt));
}

function ofStatus(status: readonly SubscriptionStatus[] | null): Filter<Subscription> {
  return status === null ? {} : { status };
}
