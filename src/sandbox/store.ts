import type { ChangeListener } from './collection.js';
import { Collection } from './collection.js';
import { Disk } from './disk.js';
import type {
  AccountRecord,
  ChargeRecord,
  CheckoutSessionRecord,
  CustomerRecord,
  DeliveryRecord,
  DisputeRecord,
  EventRecord,
  FileRecord,
  KeyRecord,
  PaymentIntentRecord,
  PaymentMethodRecord,
  RefundRecord,
  SubscriptionRecord,
  TimerRecord,
  TokenRecord,
  WebhookEndpointRecord,
} from './records.js';

/**
 * Everything the sandbox knows: collections in memory and, with a state file, the same on disk.
 * Changes become one when commit() returns; rollback() undoes those since the last commit.
 */
export class Store implements ChangeListener {
  private seq = 0;
  private undo: (() => void)[] = [];
  private changed = new Map<string, { collection: string; id: string }>();
  private readonly disk: Disk | null;

  readonly accounts = new Collection<AccountRecord>('accounts', this, (account) => [`partner_id=${account.partner_id}`]);
  readonly keys = new Collection<KeyRecord>('keys', this);
  readonly customers = new Collection<CustomerRecord>('customers', this, metadataKeys);
  readonly paymentMethods = new Collection<PaymentMethodRecord>('payment_methods', this, (method) => [
    `customer_id=${method.customer_id}`,
    ...metadataKeys(method),
  ]);
  readonly tokens = new Collection<TokenRecord>('tokens', this);
  readonly paymentIntents = new Collection<PaymentIntentRecord>('payment_intents', this, (intent) => [
    `customer_id=${intent.customer_id}`,
    `subscription_id=${intent.subscription_id}`,
    `status=${intent.status}`,
    ...metadataKeys(intent),
  ]);
  readonly charges = new Collection<ChargeRecord>('charges', this, (charge) => [
    `payment_intent_id=${charge.payment_intent_id}`,
    ...(charge.captured && !charge.is_batched ? ['is_unbatched'] : []),
  ]);
  readonly refunds = new Collection<RefundRecord>('refunds', this, (refund) => [`charge_id=${refund.charge_id}`, ...metadataKeys(refund)]);
  readonly disputes = new Collection<DisputeRecord>('disputes', this, (dispute) => [`charge_id=${dispute.charge_id}`]);
  readonly files = new Collection<FileRecord>('files', this);
  readonly subscriptions = new Collection<SubscriptionRecord>('subscriptions', this, (subscription) => [
    `customer_id=${subscription.customer_id}`,
    `status=${subscription.status}`,
    ...metadataKeys(subscription),
  ]);
  readonly checkoutSessions = new Collection<CheckoutSessionRecord>('checkout_sessions', this, (session) => [
    `payment_intent_id=${session.payment_intent_id}`,
    `customer_id=${session.customer_id}`,
    ...metadataKeys(session),
  ]);
  readonly events = new Collection<EventRecord>('events', this, (event) => [`object_id=${event.object_id}`]);
  readonly webhookEndpoints = new Collection<WebhookEndpointRecord>('webhook_endpoints', this);
  readonly timers = new Collection<TimerRecord>('timers', this);
  readonly deliveries = new Collection<DeliveryRecord>('deliveries', this);

  /** Every collection, in the order of a state dump. */
  readonly all = [
    this.accounts,
    this.keys,
    this.customers,
    this.paymentMethods,
    this.tokens,
    this.paymentIntents,
    this.charges,
    this.refunds,
    this.disputes,
    this.files,
    this.subscriptions,
    this.checkoutSessions,
    this.events,
    this.webhookEndpoints,
    this.timers,
    this.deliveries,
  ];

  constructor(stateFile: string | undefined) {
    this.disk = stateFile === undefined ? null : new Disk(stateFile);
  }

  /** Reads what a former process left. To be called once, when every watcher is in place. */
  load(): Map<string, string> {
    if (this.disk === null) return new Map();
    const collections = new Map(this.all.map((collection) => [collection.name, collection]));
    for (const row of this.disk.objects()) {
      collections.get(row.collection)?.load(JSON.parse(row.body), row.seq);
      this.seq = Math.max(this.seq, row.seq);
    }
    return this.disk.facts();
  }

  onChange(collection: string, id: string, undo: () => void): void {
    this.undo.push(undo);
    this.changed.set(`${collection} ${id}`, { collection, id });
  }

  nextSeq(): number {
    this.seq += 1;
    return this.seq;
  }

  /** Makes the changes durable, together with the facts, or throws and leaves them to rollback(). */
  commit(facts: () => Record<string, unknown>): void {
    if (this.disk !== null && this.changed.size > 0) {
      const collections = new Map(this.all.map((collection) => [collection.name, collection]));
      const rows = [...this.changed.values()].map(({ collection, id }) => {
        const entry = collections.get(collection)?.entry(id);
        return { collection, id, seq: entry?.seq ?? 0, body: entry === undefined ? null : JSON.stringify(entry.record) };
      });
      this.disk.write(rows, facts());
    }
    this.forgetChanges();
  }

  /** Keeps facts beside the records, at once. */
  saveFacts(facts: Record<string, unknown>): void {
    this.disk?.write([], facts);
  }

  /** Undoes the changes since the last commit. */
  rollback(): void {
    for (const undo of this.undo.reverse()) undo();
    this.forgetChanges();
  }

  /** Forgets everything, on disk too. */
  clear(): void {
    for (const collection of this.all) collection.clear();
    this.disk?.clear();
    this.forgetChanges();
    this.seq = 0;
  }

  /** Leaves nothing in the state file of what was deleted or replaced. */
  compact(): void {
    this.disk?.compact();
  }

  close(): void {
    this.disk?.close();
  }

  private forgetChanges(): void {
    this.undo = [];
    this.changed = new Map();
  }
}

function metadataKeys(record: { metadata: Record<string, string> | null }): string[] {
  return Object.entries(record.metadata ?? {}).map(([key, value]) => `metadata.${key}=${value}`);
}
