import { WITHOUT_LEASE } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer, TilledCustomerParams } from '../../tilled/tilled.shapes.js';
import { markOf, NO_MARK, type Processor } from '../kit/processor.js';
import type { Customer } from './customer.entity.js';
import { calledAtTilled, calledHere, nameAtTilled, namesForTilled } from './customer.name.js';
import { CustomerRepository } from './customer.repository.js';
import type { CustomerService } from './customer.service.js';

/** What is known of a customer beside what Tilled says. */
export interface CustomerWish {
  readonly externalId?: string | undefined;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Takes over customers that Tilled had before us, and lets go of them again. Nothing is made or deleted at Tilled. */
export class CustomerAdoption {
  constructor(private readonly parts: { readonly processor: Processor; readonly customers: CustomerService }) {}

  /** Our row for a customer at Tilled, made if there is none. The caller has made sure that no other app has it. */
  async adopt(tx: Scope, snapshot: TilledCustomer, wish: CustomerWish): Promise<Customer> {
    // One that we made ourselves and whose answer was lost is not made twice.
    await this.parts.customers.mirror(tx, snapshot);
    await tx.db.flush();
    const known = await CustomerRepository.of(tx).lockByTilledId(snapshot.id);
    if (known !== null) return known;
    const now = tx.now();
    return CustomerRepository.of(tx).add({
      id: tx.newId('cus'),
      version: 1,
      externalId: wish.externalId ?? null,
      email: (wish.email ?? snapshot.email ?? '').toLowerCase(),
      name: wish.name ?? nameAtTilled(snapshot),
      metadata: { ...wish.metadata },
      tilledCustomerId: snapshot.id,
      missingSince: null,
      deletingAt: null,
      deletedAt: null,
      createdAt: now,
      updatedAt: now,
    });
  }

  /** Writes our mark on Tilled's copy, so that its events find us, and what of ours differs there; repeatable. */
  async mark(scope: Scope, tilledId: string, seen?: TilledCustomer): Promise<void> {
    const customer = await CustomerRepository.of(scope).findByTilledId(tilledId);
    const snapshot = seen ?? (await this.parts.processor.find(scope, (tilled) => tilled.getCustomer(tilledId)));
    if (customer === null || snapshot === null) return;
    const params: TilledCustomerParams = { metadata: markOf(scope, customer.id) };
    const [ours, theirs] = [calledHere(customer), calledAtTilled(snapshot)];
    if (theirs.email !== ours.email) params.email = customer.email;
    if (theirs.name !== ours.name) Object.assign(params, namesForTilled(customer.name));
    await this.parts.processor.send(scope, WITHOUT_LEASE, (tilled) => tilled.updateCustomer(tilledId, params));
    // They may have been let go of meanwhile: then the mark came after it was taken off.
    const now = await scope.transaction((tx) => CustomerRepository.of(tx).findByTilledId(tilledId));
    if (now === null) await this.unmark(scope, tilledId);
  }

  /** Removes our row; the caller has made sure that nothing is built on it. Inside a transaction. */
  async disown(tx: Scope, id: string): Promise<void> {
    const customers = CustomerRepository.of(tx);
    customers.remove(await customers.lock(id));
    await tx.db.flush();
    tx.request.log.info('customer disowned', { customerId: id });
  }

  /** Takes our mark off Tilled's copy; repeatable. */
  async unmark(scope: Scope, tilledId: string): Promise<void> {
    await this.parts.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) => tilled.updateCustomer(tilledId, { metadata: { ...NO_MARK } }));
  }
}
