import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { DivergenceKind, type Facts } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Processor } from '../../billing/kit/processor.js';
import type { PaymentMethod } from '../../billing/payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentMethod } from '../../tilled/tilled.shapes.js';
import { PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import { jobKindOf } from '../../webhooks/event-catalogue.js';
import { type ComparedObject, type Comparison, dateOf, type ListedPart, listedPage, withoutMissing } from './comparison.js';

const CUSTOMERS_AT_ONCE = 10;

/** Payment methods. Tilled lists them by customer and type only, so our customers are gone through. */
export class PaymentMethodComparison implements Comparison<TilledPaymentMethod> {
  readonly kind = DivergenceKind.PAYMENT_METHOD;
  readonly table = 'billing_payment_methods';
  readonly tilledColumn = 'tilled_payment_method_id';

  constructor(
    private readonly processor: Processor,
    private readonly customersAfter: (scope: Scope, afterId: string, limit: number) => Promise<string[]>,
  ) {}

  idOf(snapshot: TilledPaymentMethod): string {
    return snapshot.id;
  }

  async list(scope: Scope, position: string): Promise<ListedPart<TilledPaymentMethod>> {
    const ids = await this.customersAfter(scope, position, CUSTOMERS_AT_ONCE);
    const customers = await scope.transaction((tx) => Promise.all(ids.map((id) => CustomerRepository.of(tx).get(id))));
    const snapshots: TilledPaymentMethod[] = [];
    for (const customer of customers) snapshots.push(...(await this.listOf(scope, customer.tilledCustomerId ?? '')));
    return { snapshots, next: ids.length < CUSTOMERS_AT_ONCE ? null : (ids.at(-1) ?? null) };
  }

  fetch(scope: Scope, tilledId: string): Promise<TilledPaymentMethod | null> {
    return this.processor.find(scope, (tilled) => tilled.getPaymentMethod(tilledId));
  }

  async read(tx: Scope, ref: ObjectRef, snapshot: TilledPaymentMethod | null): Promise<ComparedObject | null> {
    const methods = PaymentMethodRepository.of(tx);
    const row = ref.objectId !== null ? await methods.find(ref.objectId) : await methods.findByTilledId(ref.tilledId ?? '');
    const customers = CustomerRepository.of(tx);
    const theirOwner = snapshot?.customer_id ? await customers.findByTilledId(snapshot.customer_id) : null;
    if (row === null && theirOwner === null) return null;
    const ourOwner = row === null ? null : await customers.find(row.customerId);
    const tilledId = row?.tilledPaymentMethodId ?? snapshot?.id ?? ref.tilledId;
    const isDetached = row !== null && row.detachedAt !== null;
    // Of somebody deleted the masked facts may be erased here, and are not to be written down again.
    const told = (ourOwner?.deletedAt ?? null) === null ? (facts: Facts) => facts : forgotten;
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : told(oursOf(row, ourOwner?.tilledCustomerId ?? null)),
      theirs: snapshot === null ? null : told(theirsOf(snapshot)),
      isLegal: true,
      mayBeMissing: isDetached,
      oursChangedAt: row === null ? null : (row.detachedAt ?? row.updatedAt),
      theirsChangedAt: dateOf(snapshot),
      subjects: withoutMissing(row?.id, tilledId, ourOwner?.id, theirOwner?.id),
      healing: tilledId === null ? [] : [{ kind: jobKindOf('payment_method'), subject: tilledId }],
    };
  }

  private async listOf(scope: Scope, customerId: string): Promise<TilledPaymentMethod[]> {
    const found: TilledPaymentMethod[] = [];
    for (const type of PAYMENT_METHOD_TYPES) {
      for (let position: string | null = ''; position !== null; ) {
        const part: ListedPart<TilledPaymentMethod> = await listedPage(position, (query) =>
          this.processor.ask(scope, (tilled) => tilled.listPaymentMethods({ ...query, type, customer_id: customerId })),
        );
        found.push(...part.snapshots);
        position = part.next;
      }
    }
    return found;
  }
}

function forgotten({ customer = null, type = null }: Facts): Facts {
  return { customer, type };
}

function oursOf(row: PaymentMethod, tilledCustomerId: string | null) {
  return {
    customer: row.detachedAt === null ? tilledCustomerId : null,
    type: row.type.toLowerCase(),
    brand: row.brand,
    last4: row.last4,
    expMonth: row.expMonth,
    expYear: row.expYear,
    bankName: row.bankName,
    bankLast: row.bankLast,
  };
}

function theirsOf(snapshot: TilledPaymentMethod) {
  const card = snapshot.card ?? snapshot.card_present;
  const bank = snapshot.ach_debit ?? snapshot.eft_debit;
  return {
    customer: snapshot.customer_id,
    type: snapshot.type,
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    expMonth: card?.exp_month ?? null,
    expYear: card?.exp_year ?? null,
    bankName: bank?.bank_name ?? null,
    bankLast: bank?.last2 ?? null,
  };
}
