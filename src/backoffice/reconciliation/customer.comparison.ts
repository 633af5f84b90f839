import type { Customer } from '../../billing/customers/customer.entity.js';
import { calledAtTilled, calledHere } from '../../billing/customers/customer.name.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { CUSTOMER_PUSH, duplicateOf } from '../../billing/customers/customer.service.js';
import { DivergenceKind, type Facts } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import { markedId, type Processor } from '../../billing/kit/processor.js';
import type { JobKey } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCustomer } from '../../tilled/tilled.shapes.js';
import { type ComparedObject, type Comparison, comparedDuplicate, dateOf, findMatch, listedPage, withoutMissing } from './comparison.js';

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

  async read(tx: Scope, ref: ObjectRef, snapshot: TilledCustomer | null): Promise<ComparedObject | null> {
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const match = await findMatch(tx, CustomerRepository.of(tx), { ref, snapshot });
    const row = match?.row ?? null;
    if (row === null && marked === null) return null;
    if (row !== null && snapshot !== null && match?.isDuplicate)
      return comparedDuplicate(duplicateOf(row.id, snapshot), row.deletedAt === null ? [] : healingOf(row));
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
      subjects: withoutMissing(row?.id, row?.tilledCustomerId, snapshot?.id, marked),
      healing: healingOf(row),
    };
  }
}

/** Carries ours to Tilled; what Tilled still has of somebody deleted goes. */
function healingOf(row: Customer | null): JobKey[] {
  return row === null ? [] : [{ kind: CUSTOMER_PUSH, subject: row.id }];
}

function oursOf(row: Customer): Facts {
  const { tilledCustomerId: tilledId } = row;
  return row.deletedAt === null ? { tilledId, isDeleted: false, ...calledHere(row) } : { tilledId, isDeleted: true };
}

function theirsOf(snapshot: TilledCustomer, isGone: boolean): Facts {
  return { tilledId: snapshot.id, isDeleted: false, ...(isGone ? {} : calledAtTilled(snapshot)) };
}
