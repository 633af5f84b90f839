import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { isOfAnotherApp, type Processor } from '../../billing/kit/processor.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { IntervalUnit } from '../../billing/subscriptions/billing-period.js';
import type { SubscriptionAdoption } from '../../billing/subscriptions/subscription.adoption.js';
import type { Subscription } from '../../billing/subscriptions/subscription.entity.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import type { SubscriptionService } from '../../billing/subscriptions/subscription.service.js';
import type { Page } from '../../platform/tenancy/page.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { type Adopter, type ImportContext, type Imported, type LineDecision, refused } from './import.adopter.js';
import { failureOf } from './import.customers.js';
import { ownerOf } from './import.payment-methods.js';
import type { ImportRow, SubscriptionFields } from './import.rows.js';
import { ImportItemRepository } from './import-item.repository.js';

type Row = ImportRow<'subscriptions'>;

interface SubscriptionAdopterParts {
  readonly processor: Processor;
  readonly subscriptions: SubscriptionService;
  readonly adoption: SubscriptionAdoption;
}

/** The key of our metadata that names the subscription in the system it came from. */
const ORIGIN = 'import_external_id';
const PAGE = 100;

/** Subscriptions: running ones are adopted as they are; new ones are made only on request, for the future. */
export class SubscriptionAdopter implements Adopter<'subscriptions', TilledSubscription> {
  constructor(private readonly parts: SubscriptionAdopterParts) {}

  async findAtTilled(scope: Scope, { fields }: Row): Promise<TilledSubscription | null | undefined> {
    const id = fields.tilledSubscriptionId;
    return id === undefined ? undefined : this.parts.processor.find(scope, (tilled) => tilled.getSubscription(id));
  }

  async judge(scope: Scope, row: Row, snapshot: TilledSubscription | null | undefined, context: ImportContext): Promise<LineDecision> {
    const { fields } = row;
    if (snapshot === undefined) return this.judgeNew(scope, fields, context);
    if (snapshot === null) return refused(`Tilled has no subscription ${fields.tilledSubscriptionId} in this account.`);
    const known = await SubscriptionRepository.of(scope).findByTilledId(snapshot.id);
    if (known !== null) return { kind: 'existing', id: known.id };
    if (isOfAnotherApp(scope, snapshot.metadata)) return refused(`The subscription ${snapshot.id} carries the mark of another app.`);
    const differing = differencesOf(fields, snapshot);
    if (differing.length > 0) return refused(`It differs from Tilled's in ${differing.join(', ')}.`);
    return this.judgeRelations(scope, fields, snapshot, context);
  }

  async adopt(tx: Scope, { fields }: Row, snapshot: TilledSubscription): Promise<Imported> {
    const method = await PaymentMethodRepository.of(tx).findByTilledId(snapshot.payment_method_id);
    if (method === null) throw new Error(`The payment method ${snapshot.payment_method_id} was here and is not any more.`);
    const { id, version } = await this.parts.adoption.adopt(tx, snapshot, method, fields);
    return { id, tilledId: snapshot.id, version };
  }

  async create(scope: Scope, { fields }: Row, { run }: ImportContext): Promise<Imported> {
    const customer = await ownerOf(scope, fields);
    const { live: made, undone } = await importedOf(scope, customer?.id, fields.externalId);
    if (made !== null && made.createdAt >= run.createdAt) return imported(made);
    const named = fields.tilledPaymentMethodId;
    const method = named === undefined ? null : await PaymentMethodRepository.of(scope).findByTilledId(named);
    const { row, errors } = await this.parts.subscriptions.create(scope, {
      customerId: customer?.id ?? '',
      paymentMethodId: named === undefined ? null : (method?.id ?? named),
      price: { amountMinor: fields.priceMinor ?? 0, currency: fields.currency ?? '' },
      intervalUnit: IntervalUnit[fields.intervalUnit?.toUpperCase() as keyof typeof IntervalUnit],
      intervalCount: fields.intervalCount ?? 1,
      billingCycleAnchor: new Date(fields.billingCycleAnchor ?? Number.NaN),
      planCode: fields.planCode ?? null,
      planName: fields.planName ?? null,
      metadata: { ...fields.metadata, [ORIGIN]: fields.externalId ?? '' },
      // Not of this run alone: the same subscription in another file is the same subscription.
      idempotencyKey: undone === null ? importKey(fields.externalId) : `${importKey(fields.externalId)} after ${undone.id}`,
    });
    if (row === null || (errors.length > 0 && errors[0]?.code !== 'OUTCOME_UNKNOWN')) throw failureOf(errors);
    return imported(row);
  }

  mark(scope: Scope, tilledId: string): Promise<void> {
    return this.parts.adoption.mark(scope, tilledId);
  }

  private async judgeNew(scope: Scope, fields: SubscriptionFields, context: ImportContext): Promise<LineDecision> {
    // Files are read again when a run goes on later: what was the future then may be the past by now.
    if (!(new Date(fields.billingCycleAnchor ?? Number.NaN) > scope.businessNow()))
      return refused('Its billingCycleAnchor is not in the future.');
    const customer = await ownerOf(scope, fields);
    const { rehearsed } = context;
    if (customer === null) {
      const isComing = rehearsed?.has('externalId', fields.customerExternalId) || rehearsed?.has('cus', fields.tilledCustomerId);
      return isComing ? { kind: 'create' } : refused('The customer the line names is not here: import it first.');
    }
    const { live: made } = await importedOf(scope, customer.id, fields.externalId);
    const isOurs = made !== null && context.isResumed && made.createdAt >= context.run.createdAt;
    return made === null || isOurs ? { kind: 'create' } : { kind: 'existing', id: made.id };
  }

  private async judgeRelations(
    scope: Scope,
    fields: SubscriptionFields,
    snapshot: TilledSubscription,
    { rehearsed }: ImportContext,
  ): Promise<LineDecision> {
    const customer = await CustomerRepository.of(scope).findByTilledId(snapshot.customer_id);
    const isComing = rehearsed?.has('cus', snapshot.customer_id) || rehearsed?.has('externalId', fields.customerExternalId);
    if (customer === null && !isComing) return refused(`Its customer ${snapshot.customer_id} is not here: import it first.`);
    if (customer !== null && fields.customerExternalId !== undefined && customer.externalId !== fields.customerExternalId) {
      return refused(`At Tilled it belongs to ${snapshot.customer_id}, which is another customer here than the line says.`);
    }
    const method = await PaymentMethodRepository.of(scope).findByTilledId(snapshot.payment_method_id);
    if (method === null && !rehearsed?.has('pm', snapshot.payment_method_id)) {
      const reason = `Its payment method ${snapshot.payment_method_id} is not here: import it first.`;
      return snapshot.status === 'canceled' ? { kind: 'skipped', reason } : refused(reason);
    }
    if (method !== null && customer !== null && method.customerId !== customer.id)
      return refused('Its payment method belongs to another customer.');
    return { kind: 'adopt' };
  }
}

function imported({ id, tilledSubscriptionId, version }: Subscription): Imported {
  return { id, tilledId: tilledSubscriptionId, version };
}

/** How a line contradicts Tilled: taking the subscription over would bill otherwise than the source says. */
function differencesOf(fields: SubscriptionFields, snapshot: TilledSubscription): string[] {
  const said: readonly (readonly [string, unknown, unknown])[] = [
    ['tilledCustomerId', fields.tilledCustomerId, snapshot.customer_id],
    ['tilledPaymentMethodId', fields.tilledPaymentMethodId, snapshot.payment_method_id],
    ['status', fields.status, snapshot.status],
    ['priceMinor', fields.priceMinor, snapshot.price],
    ['currency', fields.currency, snapshot.currency],
    ['intervalUnit', fields.intervalUnit, snapshot.interval_unit],
    ['intervalCount', fields.intervalCount, snapshot.interval_count],
  ];
  return said.filter(([, ours, theirs]) => ours !== undefined && ours !== theirs).map(([name]) => name);
}

/** What a subscription was called where it came from, by its metadata; undefined if no import made it. */
export function originOf(metadata: unknown): string | undefined {
  const facts: unknown = typeof metadata === 'string' ? JSON.parse(metadata) : metadata;
  const origin: unknown = typeof facts === 'object' && facts !== null ? Reflect.get(facts, ORIGIN) : undefined;
  return typeof origin === 'string' ? origin : undefined;
}

/** The key under which a subscription is made, whatever import asks for it. */
export function importKey(externalId: string | undefined): string {
  return `import subscription ${externalId}`;
}

/** What imports made of this external id for a customer: the one that counts, and one that was taken back. */
async function importedOf(scope: Scope, customerId: string | undefined, externalId: string | undefined) {
  let undone: Subscription | null = null;
  for (let after: string | null = null; customerId !== undefined; ) {
    const page: Page<Subscription> = await SubscriptionRepository.of(scope).list({ first: PAGE, after }, null, customerId);
    for (const row of page.rows.filter(({ metadata }) => metadata[ORIGIN] === externalId)) {
      const isUndone = row.status === 'CANCELED' && (await ImportItemRepository.of(scope).wasRolledBack(row.id));
      if (!isUndone) return { live: row, undone };
      undone ??= row;
    }
    const last = page.rows.at(-1);
    if (!page.hasNextPage || last === undefined) break;
    after = page.cursorOf(last);
  }
  return { live: null, undone };
}
