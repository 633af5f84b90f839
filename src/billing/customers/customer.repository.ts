import { NotFound } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Customer } from './customer.entity.js';

/** Customers of an app. */
export class CustomerRepository extends TenantRepository<Customer> {
  protected readonly entity = Customer;
  protected readonly noun = 'customer';
  protected override readonly customerProperty = 'id';
  protected override readonly made = { prefix: 'cus', property: 'createdAt' } as const;

  /** The customer if their data was not removed; null otherwise. */
  async findLive(id: string): Promise<Customer | null> {
    const customer = await this.find(id);
    return customer?.deletedAt === null ? customer : null;
  }

  /** The customer, locked, if they stay. Throws NotFound, or AlreadyRunning while they are being deleted. */
  async lockLive(id: string): Promise<Customer> {
    const customer = await this.lock(id);
    if (customer.deletedAt !== null) throw new NotFound('customer', id);
    if (customer.deletingAt !== null) throw new AlreadyRunning('customerDelete', id);
    return customer;
  }

  findByExternalId(externalId: string): Promise<Customer | null> {
    return this.findBy('externalId', externalId);
  }

  findByTilledId(tilledCustomerId: string): Promise<Customer | null> {
    return this.findBy('tilledCustomerId', tilledCustomerId);
  }

  tilledIdOf({ tilledCustomerId }: Customer): string | null {
    return tilledCustomerId;
  }

  /** The customer as it is now, locked and managed, or null. */
  lockByTilledId(tilledCustomerId: string): Promise<Customer | null> {
    return this.lockBy({ tilledCustomerId });
  }

  list(page: PageRequest, email: string | null): Promise<Page<Customer>> {
    return this.page({ deletedAt: null, ...(email === null ? {} : { email: email.toLowerCase() }) }, page);
  }
}
