import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer } from '../../tilled/tilled.shapes.js';
import type { Customer } from '../customers/customer.entity.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { CUSTOMER_PUSH } from '../customers/customer.service.js';
import { DivergenceKind, type Facts } from '../kit/divergence.entity.js';
import type { ObjectRef } from '../kit/divergence.repository.js';
import { markedId, type Processor } from '../kit/processor.js';
import { type Comparison, dateOf, listedPage, present, type Sides } from './comparison.js';

/** Customers: their data is ours, so a difference is put right by carrying ours to Tilled. */
export class CustomerComparison implements Comparison<TilledCustomer> {
  readonly kind = DivergenceKind.CUSTOMER;
  readonly table = 'billing_customers';
  readonly tilledColumn = 'tilled_customer_id';

  constructor(private readonly processor: Processor) {}

  idOf(snapshot: TilledCustomer): string {
    return snapshot.id;
  }

  list(scope: Scope, position: string) {
    return listedPage(position, (query) => this.processor.ask(scope, (tilled) => tilled.listCustomers(query)));
  }

  fetch(scope: Scope, tilledId: string): Promise<TilledCustomer | null> {
    return this.processor.find(scope, (tilled) => tilled.getCustomer(tilledId));
  }

  async sides(tx: Scope, ref: ObjectRef, snapshot: TilledCustomer | null): Promise<Sides | null> {
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const row = await rowOf(tx, ref, marked);
    if (row === null && marked === null) return null;
    // A second one, left behind by a lost answer, is used for nothing.
    const isSpare = row !== null && snapshot !== null && ![null, snapshot.id].includes(row.tilledCustomerId);
    if (isSpare) return null;
    const isGone = row !== null && row.deletedAt !== null;
    return {
      objectId: row?.id ?? null,
      tilledId: row?.tilledCustomerId ?? snapshot?.id ?? null,
      ours: row === null ? null : oursOf(row),
      theirs: snapshot === null ? null : theirsOf(snapshot, isGone),
      isLegal: true,
      mayBeMissing: isGone,
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(snapshot),
      subjects: present(row?.id, row?.tilledCustomerId, snapshot?.id, marked),
      healing: row === null || isGone ? [] : [{ kind: CUSTOMER_PUSH, subject: row.id }],
    };
  }
}

async function rowOf(tx: Scope, ref: ObjectRef, marked: string | null): Promise<Customer | null> {
  const customers = CustomerRepository.of(tx);
  if (ref.objectId !== null) return customers.find(ref.objectId);
  const known = ref.tilledId === null ? null : await customers.findByTilledId(ref.tilledId);
  return known ?? (marked === null ? null : customers.find(marked));
}

function oursOf({ deletedAt, tilledCustomerId: tilledId, email, name }: Customer): Facts {
  return deletedAt === null ? { tilledId, isDeleted: false, email, name: name === '' ? null : name } : { tilledId, isDeleted: true };
}

function theirsOf(snapshot: TilledCustomer, isGone: boolean): Facts {
  if (isGone) return { tilledId: snapshot.id, isDeleted: false };
  const name = present(snapshot.first_name, snapshot.last_name).join(' ');
  return { tilledId: snapshot.id, isDeleted: false, email: snapshot.email, name: name === '' ? null : name };
}
