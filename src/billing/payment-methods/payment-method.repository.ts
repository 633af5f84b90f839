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

  defaultOf(customerId: string): Promise<PaymentMethod | null> {
    return this.findBy('defaultOf', customerId);
  }

  /** An attached method of a customer who is not deleted: the one named, else the default; null when there is none. */
  async usable(customerId: string, id: string | null): Promise<PaymentMethod | null> {
    const which = id === null ? { defaultOf: customerId } : { id };
    const [method = null] = await this.rows(
      { customerId, detachedAt: null, ...which },
      {
        sql: ' and exists (select 1 from billing_customers c where c.app_id = ? and c.id = ? and c.deleted_at is null)',
        parameters: [this.scope.appId, customerId],
      },
    );
    return method;
  }

  findByTilledId(tilledPaymentMethodId: string): Promise<PaymentMethod | null> {
    return this.findBy('tilledPaymentMethodId', tilledPaymentMethodId);
  }

  /** The method as it is now, locked and managed, or null. */
  lockByTilledId(tilledPaymentMethodId: string): Promise<PaymentMethod | null> {
    return this.lockBy({ tilledPaymentMethodId });
  }
}
