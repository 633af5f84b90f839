import type { Part } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { PaymentMethod } from './payment-method.entity.js';

/** Payment methods of an app. */
export class PaymentMethodRepository extends TenantRepository<PaymentMethod> {
  protected readonly entity = PaymentMethod;
  protected readonly noun = 'payment method';
  protected override readonly customerProperty = 'customerId';

  /** A customer's attached methods, oldest first. */
  async attachedTo(customerId: string): Promise<PaymentMethod[]> {
    return (await this.allBy('customerId', customerId)).filter((method) => method.detachedAt === null);
  }

  /** A part of them. */
  shownOf(customerId: string, part: Part): Promise<PaymentMethod[]> {
    return this.partOf('customerId', customerId, { detachedAt: null }, part);
  }

  /**
   * Makes another method the default in place of one that leaves: the newest that stays and has not expired, else the
   * newest that stays, else the newest. The customer is locked by the caller.
   */
  async handOnDefault({ id: leavingId, customerId }: Pick<PaymentMethod, 'id' | 'customerId'>): Promise<void> {
    const others = (await this.attachedTo(customerId)).filter((other) => other.id !== leavingId);
    const staying = others.filter((other) => other.detachingAt === null);
    const good = staying.filter((other) => !hasExpired(other, this.scope.now()));
    const heir = good.at(-1) ?? staying.at(-1) ?? others.at(-1);
    if (heir !== undefined) (await this.lock(heir.id)).defaultOf = customerId;
  }

  defaultOf(customerId: string): Promise<PaymentMethod | null> {
    return this.findBy('defaultOf', customerId);
  }

  /**
   * An attached method of a customer, the one named, else the default; null when there is none, or when it or its
   * customer has ended or is about to. Neither can be asked to end until the transaction ends, and what is built on it
   * by then is seen by who asks.
   */
  async usable(customerId: string, id: string | null): Promise<PaymentMethod | null> {
    const { appId, db } = this.scope;
    const table = db.table(PaymentMethod);
    const where = this.where({ customerId, detachedAt: null, detachingAt: null, ...(id === null ? { defaultOf: customerId } : { id }) });
    // The customer is locked first, as everywhere: two who lock both in other orders would wait for each other.
    const [joined, locked] = db.isEmbedded ? ['cross join', ''] : ['straight_join', ' lock in share mode'];
    const [raw] = await db.query(
      `select ${table.selectList} from (select 1 as found from billing_customers
         where app_id = ? and id = ? and deleted_at is null and deleting_at is null${locked}) as customer
       ${joined} ${table.name} where ${where.sql}${locked}`,
      [appId, customerId, ...where.parameters],
    );
    return raw === undefined ? null : table.fromRaw(raw);
  }

  findByTilledId(tilledPaymentMethodId: string): Promise<PaymentMethod | null> {
    return this.findBy('tilledPaymentMethodId', tilledPaymentMethodId);
  }

  /** The method as it is now, locked and managed, or null. */
  lockByTilledId(tilledPaymentMethodId: string): Promise<PaymentMethod | null> {
    return this.lockBy({ tilledPaymentMethodId });
  }
}

/** Whether a card is past the last moment of its month, UTC; accounts do not expire. */
function hasExpired({ expMonth, expYear }: PaymentMethod, now: Date): boolean {
  return expMonth !== null && expYear !== null && now.getTime() >= Date.UTC(expYear, expMonth);
}
