import type { Permit } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer, TilledCustomerParams } from '../../tilled/tilled.shapes.js';
import { markedId, markOf, type Processor } from '../kit/processor.js';
import type { Customer } from './customer.entity.js';
import { namesForTilled } from './customer.name.js';

const MARKED_MAX = 100;

/** How Tilled is asked about customers. Throws what the processor throws. */
export class CustomerSender {
  constructor(private readonly processor: Processor) {}

  create(scope: Scope, permit: Permit, customer: Customer): Promise<TilledCustomer> {
    return this.processor.send(scope, permit, (tilled) => tilled.createCustomer(paramsOf(scope, customer)));
  }

  /** Brings Tilled's copy in line with ours; null where Tilled has no such customer. */
  update(scope: Scope, permit: Permit, customer: Customer): Promise<TilledCustomer | null> {
    const id = customer.tilledCustomerId ?? '';
    return this.processor.sendIfThere(scope, permit, (tilled) => tilled.updateCustomer(id, paramsOf(scope, customer)));
  }

  /** A customer at Tilled that bears the mark of ours, or null. */
  async find(scope: Scope, id: string): Promise<TilledCustomer | null> {
    return (await this.marked(scope, id))[0] ?? null;
  }

  /**
   * Deletes whatever Tilled has of a customer: the one we know, and any other that bears their mark, which a lost or
   * late answer may have left. Repeatable.
   */
  async forget(scope: Scope, permit: Permit, { id, tilledCustomerId }: Customer): Promise<void> {
    const known = tilledCustomerId === null ? [] : [tilledCustomerId];
    const marked = await this.marked(scope, id);
    for (const tilledId of new Set([...known, ...marked.map((snapshot) => snapshot.id)]))
      await this.processor.sendIfThere(scope, permit, (tilled) => tilled.deleteCustomer(tilledId));
  }

  private async marked(scope: Scope, id: string): Promise<TilledCustomer[]> {
    const list = await this.processor.ask(scope, (tilled) => tilled.listCustomers({ metadata: markOf(scope, id), limit: MARKED_MAX }));
    return list.items.filter((item) => markedId(scope, item.metadata) === id);
  }
}

function paramsOf(scope: Scope, customer: Customer): TilledCustomerParams {
  return { email: customer.email, ...namesForTilled(customer.name), metadata: markOf(scope, customer.id) };
}
