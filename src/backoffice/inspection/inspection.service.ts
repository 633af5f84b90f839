import { calledAtTilled, calledHere } from '../../billing/customers/customer.name.js';
import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import type { Processor } from '../../billing/kit/processor.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { PaymentRepository } from '../../billing/payments/payment.repository.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import { NotFound } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { idsOf, readable, rowsBy, tracesOf } from '../privacy/customer-records.js';
import { withoutPersonalData } from '../privacy/personal-data.js';

/** What can be inspected. */
const INSPECTED = ['customer', 'payment', 'subscription'] as const;
export type Inspected = (typeof INSPECTED)[number];

/** One value as we have it and as Tilled has it now. */
export interface Compared {
  readonly field: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  readonly differs: boolean;
}

/** What support and on-call need to know of one object. */
export interface Inspection {
  readonly app: string;
  readonly noun: Inspected;
  readonly id: string;
  readonly row: Record<string, unknown>;
  /** Null if Tilled has no such object. */
  readonly tilled: unknown;
  readonly compared: readonly Compared[];
  /** What hangs together with it, and what was written down about it, by table. */
  readonly related: Record<string, Record<string, unknown>[]>;
}

interface Found {
  readonly row: Record<string, unknown> & { readonly id: string; readonly customerId?: string };
  readonly tilled: object | null;
  readonly pairs: Readonly<Record<string, readonly [unknown, unknown]>>;
}

const NEWEST = 20;
const MASK = '•••';
const TABLES: Readonly<Record<Inspected, readonly (readonly [string, string])[]>> = {
  customer: [
    ['billing_payment_methods', 'customer_id'],
    ['billing_subscriptions', 'customer_id'],
    ['billing_payments', 'customer_id'],
    ['billing_refunds', 'customer_id'],
    ['billing_disputes', 'customer_id'],
  ],
  subscription: [['billing_payments', 'subscription_id']],
  payment: [
    ['billing_refunds', 'payment_id'],
    ['billing_disputes', 'payment_id'],
  ],
};

/** Shows one object from all sides: our row, Tilled's now, and all that was written about it. Reads only. */
export class InspectionService {
  constructor(private readonly processor: Processor) {}

  /** By our id, Tilled's id, the app's external id or a reference. Throws NotFound. */
  async inspect(scope: Scope, noun: Inspected, key: string, showsPersonal: boolean): Promise<Inspection> {
    const { row, tilled, pairs } = await this.finders[noun](scope, key);
    const related: Record<string, Record<string, unknown>[]> = {};
    for (const [table, column] of TABLES[noun]) related[table] = await rowsBy(scope, table, column, [row.id]);
    const ids = idsOf([await this.rawOf(scope, noun, row.id), ...Object.values(related).flat()]);
    Object.assign(related, await tracesOf(scope, ids));
    const newest = Object.entries(related).map(([table, rows]) => [table, rows.slice(-NEWEST).map((one) => shown(table, readable(one)))]);
    const compared = Object.entries(pairs).map(([field, [ours, theirs]]) => ({ field, ours, theirs, differs: ours !== theirs }));
    const whole: Inspection = {
      ...{ app: scope.appId, noun, id: row.id, row: { ...row }, tilled, related: Object.fromEntries(newest) },
      compared,
    };
    return showsPersonal ? whole : masked(whole, await this.wordsOf(scope, row.customerId ?? row.id));
  }

  /** By what the customer may be called in free text. */
  private async wordsOf(scope: Scope, customerId: string): Promise<string[]> {
    const customer = await CustomerRepository.of(scope).find(customerId);
    const words = [customer?.email, customer?.name, customer?.externalId, ...(customer?.name?.split(' ') ?? [])];
    return words.filter((word): word is string => typeof word === 'string' && word.length > 2);
  }

  private async rawOf(scope: Scope, noun: Inspected, id: string) {
    const [raw] = await rowsBy(scope, `billing_${noun}s`, 'id', [id]);
    if (raw === undefined) throw new NotFound(noun, id);
    return raw;
  }

  private readonly finders: Readonly<Record<Inspected, (scope: Scope, key: string) => Promise<Found>>> = {
    customer: async (scope, key) => {
      const customers = CustomerRepository.of(scope);
      const row = (await customers.find(key)) ?? (await customers.findByTilledId(key)) ?? (await customers.findByExternalId(key));
      if (row === null) throw new NotFound('customer', key);
      const id = row.tilledCustomerId;
      const tilled = id === null ? null : await this.processor.find(scope, (client) => client.getCustomer(id));
      const [ours, theirs] = [calledHere(row), tilled === null ? null : calledAtTilled(tilled)];
      const pairs: Found['pairs'] = theirs === null ? {} : { email: [ours.email, theirs.email], name: [ours.name, theirs.name] };
      return { row: plain(row), tilled, pairs: { atTilled: [row.deletedAt === null, tilled !== null], ...pairs } };
    },
    payment: async (scope, key) => {
      const payments = PaymentRepository.of(scope);
      const row = (await payments.find(key)) ?? (await payments.findByTilledId(key)) ?? (await payments.findByReferenceId(key));
      if (row === null) throw new NotFound('payment', key);
      const id = row.tilledPaymentIntentId;
      const tilled = id === null ? null : await this.processor.find(scope, (client) => client.getPaymentIntent(id));
      const pairs: Found['pairs'] =
        tilled === null
          ? {}
          : {
              status: [row.status.toLowerCase(), tilled.status],
              amount: [row.amountMinor, tilled.amount],
              currency: [row.currency, tilled.currency],
              captured: [row.capturedMinor, tilled.amount_received],
            };
      return { row: plain(row), tilled, pairs: { atTilled: [true, tilled !== null], ...pairs } };
    },
    subscription: async (scope, key) => {
      const subscriptions = SubscriptionRepository.of(scope);
      const row = (await subscriptions.find(key)) ?? (await subscriptions.findByTilledId(key));
      if (row === null) throw new NotFound('subscription', key);
      const id = row.tilledSubscriptionId;
      const tilled = id === null ? null : await this.processor.find(scope, (client) => client.getSubscription(id));
      const method = await PaymentMethodRepository.of(scope).find(row.paymentMethodId);
      const pairs: Found['pairs'] =
        tilled === null
          ? {}
          : {
              status: [row.status.toLowerCase(), tilled.status],
              price: [row.priceMinor, tilled.price],
              currency: [row.currency, tilled.currency],
              paymentMethod: [method?.tilledPaymentMethodId ?? null, tilled.payment_method_id],
              nextPaymentAt: [iso(row.nextPaymentAt), iso(tilled.next_payment_at)],
              cancelAt: [iso(row.cancelAt), iso(tilled.cancel_at)],
            };
      return { row: plain(row), tilled, pairs: { atTilled: [true, tilled !== null], ...pairs } };
    },
  };
}

function plain(row: { readonly id: string }): Found['row'] {
  const properties = Object.entries<unknown>(row).map(([name, value]) => [name, value instanceof Date ? iso(value) : value]);
  return { ...Object.fromEntries(properties), id: row.id };
}

function iso(moment: Date | string | null): string | null {
  return moment === null ? null : new Date(moment).toISOString();
}

/** An event's body is not shown: what it was about is beside it, fresh. */
function shown(table: string, row: Record<string, unknown>): Record<string, unknown> {
  if (table !== 'billing_webhooks') return row;
  const { payload: _, ...rest } = row;
  return rest;
}

function masked(whole: Inspection, words: readonly string[]): Inspection {
  const hidden = new Set(['email', 'name']);
  const compared = whole.compared.map((one) =>
    hidden.has(one.field) ? { ...one, ours: one.ours === null ? null : MASK, theirs: one.theirs === null ? null : MASK } : one,
  );
  const { externalId, ...row } = whole.row;
  const shownRow = externalId === undefined ? row : { ...row, externalId: externalId === null ? null : MASK };
  const rest = withoutPersonalData({ row: shownRow, tilled: whole.tilled, related: whole.related }, words, MASK);
  return { ...whole, ...(rest as Pick<Inspection, 'row' | 'tilled' | 'related'>), compared };
}
