import { CustomerRepository } from '../billing/customers/customer.repository.js';
import { DisputeRepository } from '../billing/disputes/dispute.repository.js';
import type { Processor } from '../billing/kit/processor.js';
import { PaymentMethodRepository } from '../billing/payment-methods/payment-method.repository.js';
import { PaymentRepository } from '../billing/payments/payment.repository.js';
import { SubscriptionRepository } from '../billing/subscriptions/subscription.repository.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { TilledEvent } from '../tilled/tilled.shapes.js';

/** An object of Tilled, as far as it says whose it is. */
type Snapshot = Readonly<Record<string, unknown>>;

/** Ids of Tilled's by which an app may know an object. */
interface RelatedIds {
  readonly intent: string | null;
  readonly subscription: string | null;
  readonly method: string | null;
  readonly dispute: string | null;
  readonly charge: string | null;
  readonly customer: string | null;
}

/** How many look-ups follow each other at most: dispute, charge, payment, subscription or customer. */
const STEPS_MAX = 5;

/** Which app of a shared account an event belongs to. No app may see what happened to another's object. */
export class WebhookOwners {
  constructor(private readonly processor: Processor) {}

  /** The app, by the object's mark or by the rows of the apps; null if Tilled has to be asked. */
  async findByRows(event: TilledEvent, apps: readonly Scope[]): Promise<Scope | null> {
    const [only, ...others] = apps;
    if (only === undefined) return null;
    if (others.length === 0 && only.caller.app.removedAt === null) return only;
    const snapshot = event.data as unknown as Snapshot;
    const traces = relatedIdsOf(kindOf(event), snapshot);
    // What is about no object of anybody's, a payout for example, is the account's: its oldest app hears of it. An app
    // that was removed comes last and hears of its own objects only: a late dispute is a financial record.
    if (Object.values(traces).every((id) => id === null)) return marked(snapshot, apps) ?? only;
    return this.ownerOf(snapshot, traces, apps);
  }

  /** The app, found by following the object's links at Tilled; null if no app made it. Throws as Processor does. */
  async findAtTilled(event: TilledEvent, apps: readonly Scope[]): Promise<Scope | null> {
    const [scope] = apps;
    if (scope === undefined) return null;
    let snapshot: Snapshot = event.data as unknown as Snapshot;
    let traces = relatedIdsOf(kindOf(event), snapshot);
    const seen = new Set<string>();
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const owner = await this.ownerOf(snapshot, traces, apps);
      if (owner !== null) return owner;
      const next = await this.next(scope, traces, seen);
      if (next === null) return null;
      ({ snapshot, traces } = next);
    }
    return null;
  }

  private async ownerOf(snapshot: Snapshot, traces: RelatedIds, apps: readonly Scope[]): Promise<Scope | null> {
    const byMark = marked(snapshot, apps);
    if (byMark !== null) return byMark;
    // In turn, oldest first: an object is one app's, so most accounts are answered by the first row found.
    for (const app of apps) if (await isKnown(app, traces)) return app;
    return null;
  }

  /** The next object on the way to the one that bears a mark. */
  private async next(scope: Scope, traces: RelatedIds, seen: Set<string>): Promise<{ snapshot: Snapshot; traces: RelatedIds } | null> {
    const ways = [
      ['dispute', traces.dispute, (id: string) => this.processor.find(scope, (tilled) => tilled.getDispute(id))],
      ['charge', traces.charge, (id: string) => this.processor.find(scope, (tilled) => tilled.getCharge(id))],
      ['payment_intent', traces.intent, (id: string) => this.processor.find(scope, (tilled) => tilled.getPaymentIntent(id))],
      ['subscription', traces.subscription, (id: string) => this.processor.find(scope, (tilled) => tilled.getSubscription(id))],
      ['customer', traces.customer, (id: string) => this.processor.find(scope, (tilled) => tilled.getCustomer(id))],
      ['payment_method', traces.method, (id: string) => this.processor.find(scope, (tilled) => tilled.getPaymentMethod(id))],
    ] as const;
    for (const [kind, id, find] of ways) {
      if (id === null || seen.has(id)) continue;
      seen.add(id);
      const snapshot = (await find(id)) as Snapshot | null;
      if (snapshot !== null) return { snapshot, traces: merged(relatedIdsOf(kind, snapshot), traces) };
    }
    return null;
  }
}

/** Whether an app has a row of any of these objects. In a transaction, so that no remembered row answers. */
function isKnown(app: Scope, traces: RelatedIds): Promise<boolean> {
  return app.transaction(async (tx) => {
    const { intent, subscription, method, dispute, customer } = traces;
    if (intent !== null && (await PaymentRepository.of(tx).findByTilledId(intent)) !== null) return true;
    if (subscription !== null && (await SubscriptionRepository.of(tx).findByTilledId(subscription)) !== null) return true;
    if (method !== null && (await PaymentMethodRepository.of(tx).findByTilledId(method)) !== null) return true;
    if (dispute !== null && (await DisputeRepository.of(tx).findByTilledId(dispute)) !== null) return true;
    return customer !== null && (await CustomerRepository.of(tx).findByTilledId(customer)) !== null;
  });
}

function marked(snapshot: Snapshot, apps: readonly Scope[]): Scope | null {
  const metadata = snapshot.metadata as { readonly billing_app_id?: unknown } | null | undefined;
  return apps.find((app) => app.appId === metadata?.billing_app_id) ?? null;
}

function kindOf(event: TilledEvent): string {
  const isRefund = event.type.startsWith('charge.refund') || event.type.startsWith('refund.');
  return isRefund ? 'refund' : (event.type.split('.')[0] ?? '');
}

/** Where an object of a kind names itself and what it is part of. */
function relatedIdsOf(kind: string, snapshot: Snapshot): RelatedIds {
  const own = (ofKind: string) => (kind === ofKind ? textOf(snapshot.id) : null);
  const customer = snapshot.customer as Snapshot | null | undefined;
  return {
    intent: own('payment_intent') ?? own('invoice') ?? textOf(snapshot.payment_intent_id),
    subscription: own('subscription') ?? textOf(snapshot.subscription_id),
    method: own('payment_method') ?? textOf(snapshot.payment_method_id),
    dispute: own('dispute'),
    charge: own('charge') ?? textOf(snapshot.charge_id),
    customer: own('customer') ?? textOf(snapshot.customer_id) ?? textOf(customer?.id),
  };
}

function merged(newer: RelatedIds, older: RelatedIds): RelatedIds {
  return {
    intent: newer.intent ?? older.intent,
    subscription: newer.subscription ?? older.subscription,
    method: newer.method ?? older.method,
    dispute: newer.dispute ?? older.dispute,
    charge: newer.charge ?? older.charge,
    customer: newer.customer ?? older.customer,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= 64 ? value : null;
}
