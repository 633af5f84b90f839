import type { TilledEvent } from '../tilled/tilled.shapes.js';
import { signPayload, TILLED_SIGNATURE_HEADER } from '../tilled/tilled.signature.js';
import type { VirtualClock } from './clock.js';
import { DueQueue } from './due-queue.js';
import type { DeliveryRecord, WebhookEndpointRecord } from './records.js';
import type { Store } from './store.js';
import { Receivers } from './webhook-post.js';

/** What deliveries need of the engine around them. */
export interface WebhookHost {
  readonly store: Store;
  readonly clock: VirtualClock;
  transaction<T>(work: () => T): T;
  runDueTimers(): void;
  setAlarm(): void;
}

/** How webhooks are delivered. Delays are virtual milliseconds between attempts; concurrency 1 keeps the order. */
export interface WebhookOptions {
  retryDelaysMs: readonly number[];
  concurrency: number;
  /** Which time signatures carry: the sandbox's, or that of the receivers' wall. */
  signatureClock: 'virtual' | 'real';
}

/** What a test may change at runtime. duplicate and lose count deliveries still to come. */
export interface WebhookSettings {
  paused: boolean;
  newestFirst: boolean;
  duplicate: number;
  lose: number;
}

/** One attempt that was made, for inspection. */
export interface WebhookAttempt {
  at: string;
  event_id: string;
  endpoint_id: string;
  attempt: number;
  status: number;
}

const ATTEMPTS_KEPT = 5_000;
const NEVER_MS = Number.POSITIVE_INFINITY;
const DELIVERY_RANK = 9;

/** Delivers events to endpoints over HTTP, signed, with retries; at least once, never before the commit. */
export class Webhooks {
  readonly settings: WebhookSettings = { paused: false, newestFirst: false, duplicate: 0, lose: 0 };
  /** The last attempts, oldest first. */
  readonly attempts: WebhookAttempt[] = [];
  private readonly queue: DueQueue<DeliveryRecord>;
  private readonly receivers = new Receivers();
  private readonly inFlight = new Set<Promise<void>>();
  private isExclusive = false;
  private isClosed = false;
  private redeliveries = 0;

  constructor(
    private readonly engine: WebhookHost,
    readonly options: WebhookOptions,
  ) {
    this.queue = new DueQueue(engine.store.deliveries);
  }

  /** Adds a delivery of the event for each endpoint of its account, or its partner, that asked for the type. */
  enqueue(event: TilledEvent): void {
    const { store, clock } = this.engine;
    const partnerId = store.accounts.get(event.account_id)?.partner_id;
    const accountIds = partnerId ? [event.account_id, partnerId] : [event.account_id];
    const endpoints = accountIds.flatMap((accountId) => store.webhookEndpoints.records([`account_id=${accountId}`]));
    for (const endpoint of endpoints) {
      if (!endpoint.enabled_events.some((type) => type === '*' || type === event.type)) continue;
      const copies = this.copiesOfNext();
      for (let copy = 1; copy <= copies; copy += 1) {
        const id = `${event.id}:${endpoint.id}:${copy}`;
        const due = { id, account_id: event.account_id, due_ms: clock.now(), rank: DELIVERY_RANK };
        store.deliveries.put({ ...due, event_id: event.id, endpoint_id: endpoint.id, attempt: 1 });
      }
    }
  }

  /** Starts the deliveries that are due, as many at a time as allowed, and returns at once. */
  pump(): void {
    while (!this.isExclusive && !this.isClosed && this.inFlight.size < this.options.concurrency) {
      const delivery = this.takeNext();
      if (delivery === undefined) break;
      const attempt = this.attempt(delivery).finally(() => {
        this.inFlight.delete(attempt);
        this.pump();
      });
      this.inFlight.add(attempt);
    }
    this.engine.setAlarm();
  }

  /** Waits until every delivery due by now was attempted, and those that this made due. */
  async drain(): Promise<void> {
    for (;;) {
      this.engine.runDueTimers();
      this.pump();
      if (this.inFlight.size === 0) return;
      await Promise.all(this.inFlight);
    }
  }

  /** When the next delivery is due; never, while paused. */
  nextDueMs(): number {
    return this.settings.paused || this.isClosed ? NEVER_MS : (this.queue.peek()?.due_ms ?? NEVER_MS);
  }

  /** Attempts the next due delivery and waits for its outcome. */
  async attemptNext(): Promise<void> {
    const delivery = this.takeNext();
    if (delivery !== undefined) await this.attempt(delivery);
  }

  /** Does the work while no delivery starts by itself. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    this.isExclusive = true;
    try {
      await Promise.all(this.inFlight);
      await work();
    } finally {
      this.isExclusive = false;
      this.pump();
    }
  }

  /** Delivers an event to an endpoint once more, now. Within a transaction. */
  redeliver(eventId: string, endpoint: WebhookEndpointRecord): void {
    this.redeliveries += 1;
    const due = { account_id: endpoint.account_id, due_ms: this.engine.clock.now(), rank: DELIVERY_RANK };
    this.engine.store.deliveries.put({
      ...due,
      id: `${eventId}:${endpoint.id}:again${this.redeliveries}`,
      event_id: eventId,
      endpoint_id: endpoint.id,
      attempt: 1,
    });
  }

  /** Posts any body with any signature, outside of the queue. Gives the status, 0 for none. */
  send(url: string, body: string, signature: string): Promise<number> {
    const headers = { 'content-type': 'application/json', 'user-agent': 'Tilled-Sandbox', [TILLED_SIGNATURE_HEADER]: signature };
    return this.receivers.post(url, headers, body);
  }

  /** The time a signature made now carries, in milliseconds. */
  signatureTimeMs(): number {
    return this.options.signatureClock === 'real' ? Date.now() : this.engine.clock.now();
  }

  reset(): void {
    this.attempts.length = 0;
    Object.assign(this.settings, { paused: false, newestFirst: false, duplicate: 0, lose: 0 });
  }

  /** Starts nothing more and cuts what is under way off. What is not delivered stays in the state file. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.receivers.close();
    await Promise.all(this.inFlight);
  }

  private copiesOfNext(): number {
    if (this.settings.lose > 0) {
      this.settings.lose -= 1;
      return 0;
    }
    if (this.settings.duplicate === 0) return 1;
    this.settings.duplicate -= 1;
    return 2;
  }

  private takeNext(): DeliveryRecord | undefined {
    if (this.settings.paused) return undefined;
    const now = this.engine.clock.now();
    return this.settings.newestFirst ? this.queue.takeNewest(now) : this.queue.take(now);
  }

  private async attempt(delivery: DeliveryRecord): Promise<void> {
    const endpoint = this.engine.store.webhookEndpoints.get(delivery.endpoint_id);
    const event = this.engine.store.events.get(delivery.event_id);
    if (endpoint === undefined || event === undefined) return this.finish(delivery);
    const timestampMs = this.signatureTimeMs();
    const signature = signPayload({ secret: endpoint.secret, rawBody: event.body, timestampMs });
    const status = await this.send(endpoint.url, event.body, signature);
    this.note(delivery, status);
    if (status >= 200 && status < 300) this.finish(delivery);
    else this.retryLater(delivery);
  }

  private retryLater(delivery: DeliveryRecord): void {
    const delayMs = this.options.retryDelaysMs[delivery.attempt - 1];
    // A reset meanwhile took the delivery away; it must not come back.
    if (this.engine.store.deliveries.get(delivery.id) === undefined) return;
    if (delayMs === undefined) {
      this.finish(delivery);
      return;
    }
    const dueMs = this.engine.clock.now() + delayMs;
    this.engine.transaction(() => this.engine.store.deliveries.put({ ...delivery, due_ms: dueMs, attempt: delivery.attempt + 1 }));
  }

  private finish(delivery: DeliveryRecord): void {
    this.engine.transaction(() => this.engine.store.deliveries.delete(delivery.id));
  }

  private note(delivery: DeliveryRecord, status: number): void {
    const { event_id, endpoint_id, attempt } = delivery;
    this.attempts.push({ at: this.engine.clock.iso(), event_id, endpoint_id, attempt, status });
    if (this.attempts.length > ATTEMPTS_KEPT) this.attempts.shift();
  }
}
