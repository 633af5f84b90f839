import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { CustomerService } from '../billing/customers/customer.service.js';
import type { DisputeMirror } from '../billing/disputes/dispute.mirror.js';
import { type Processor } from '../billing/kit/processor.js';
import { StaleReading } from '../billing/kit/transition.js';
import type { PaymentMethodService } from '../billing/payment-methods/payment-method.service.js';
import type { PaymentMirror } from '../billing/payments/payment.mirror.js';
import { PaymentRepository } from '../billing/payments/payment.repository.js';
import type { RefundMirror } from '../billing/refunds/refund.mirror.js';
import type { SubscriptionMirror } from '../billing/subscriptions/subscription.mirror.js';
import type { Clock } from '../platform/clock.js';
import { ReadRefused } from '../platform/errors.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Lease } from '../platform/jobs/lease.js';
import { GiveUp, type JobHandler } from '../platform/jobs/worker.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { type EventObject, jobKindOf, OBJECT_KINDS, type ObjectKind } from './event-catalogue.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

interface WebhookSyncParts {
  readonly processor: Processor;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly customers: CustomerService;
  readonly paymentMethods: PaymentMethodService;
  readonly subscriptions: SubscriptionMirror;
  readonly payments: PaymentMirror;
  readonly refunds: RefundMirror;
  readonly disputes: DisputeMirror;
}

/** Writes a fetched snapshot, inside the transaction that completes the job. */
type RecordSnapshot = (tx: Scope) => Promise<void>;

/** Events named as the cause of what looking again found. */
const CAUSES_MAX = 6;

const NOTHING: RecordSnapshot = async () => undefined;

/**
 * Looks at an object of Tilled again and records what is there. One fetch an object at a time, started after the last
 * event was stored, written only if the lease still holds: so the last write is of the newest state, whatever the order
 * of the events was, and no clocks are compared.
 */
export class WebhookSync {
  constructor(private readonly parts: WebhookSyncParts) {}

  /** The jobs that do it, by kind. */
  handlers(): [string, JobHandler][] {
    return OBJECT_KINDS.map((kind) => [jobKindOf(kind), (scope, lease) => this.sync(scope, { kind, id: lease.subject }, lease)]);
  }

  /** Says on the waiting events of a job's object that handling them failed. */
  async noteFailure(scope: Scope, lease: Lease, reason: string, isDead: boolean): Promise<void> {
    const kind = OBJECT_KINDS.find((candidate) => jobKindOf(candidate) === lease.kind);
    if (kind === undefined) return;
    await WebhookEventRepository.of(scope).markFailed({ kind, id: lease.subject }, reason, isDead);
  }

  private async sync(scope: Scope, object: EventObject, lease: Lease): Promise<void> {
    const events = await WebhookEventRepository.of(scope).unhandledOf(object);
    const eventIds = events.map((event) => event.id);
    scope.request.workOn(object.id, eventIds.slice(-CAUSES_MAX).join(' ') || null);
    // Our own work may go further while Tilled is asked: an impossible state is read once more before it is believed.
    scope.request.mayBeStale = true;
    const fetch = () => this.fetchers[object.kind](scope, object.id).catch(givenUpIfRefused);
    let record = await fetch();
    const finish = () =>
      scope.transaction(async (tx) => {
        await this.parts.jobs.confirm(tx, lease);
        await record(tx);
        await tx.db.flush();
        await WebhookEventRepository.of(tx).markProcessed(eventIds, this.parts.clock.now());
        await this.parts.jobs.complete(tx, lease);
      });
    const fetchAgain = async () => {
      scope.request.mayBeStale = false;
      record = await fetch();
    };
    await this.finishWithOneRetry(finish, fetchAgain);
    for (const event of events)
      scope.request.metrics.webhookHandling.observe((this.parts.clock.now().getTime() - event.receivedAt.getTime()) / 1000);
  }

  private async finishWithOneRetry(finish: () => Promise<void>, fetchAgain: () => Promise<void>): Promise<void> {
    try {
      await finish();
    } catch (error) {
      if (error instanceof StaleReading) await fetchAgain();
      // Else the same row was made since our read: by the answer to our own call, or by a related object.
      else if (!(error instanceof UniqueConstraintViolationException)) throw error;
      await finish();
    }
  }

  private readonly fetchers: Readonly<Record<ObjectKind, (scope: Scope, id: string) => Promise<RecordSnapshot>>> = {
    customer: async (scope, id) => {
      const snapshot = await this.parts.processor.find(scope, (tilled) => tilled.getCustomer(id));
      return (tx) => (snapshot === null ? this.parts.customers.markMissing(tx, id) : this.parts.customers.mirror(tx, snapshot));
    },
    payment_method: async (scope, id) => {
      const snapshot = await this.parts.processor.find(scope, (tilled) => tilled.getPaymentMethod(id));
      return snapshot === null ? NOTHING : (tx) => this.parts.paymentMethods.mirror(tx, snapshot);
    },
    subscription: async (scope, id) => {
      const snapshot = await this.parts.processor.find(scope, (tilled) => tilled.getSubscription(id));
      return snapshot === null ? NOTHING : async (tx) => void (await this.parts.subscriptions.record(tx, snapshot));
    },
    payment_intent: async (scope, id) => {
      const snapshot = await this.parts.processor.find(scope, (tilled) => tilled.getPaymentIntent(id));
      if (snapshot === null) return NOTHING;
      return async (tx) => {
        const payment = await this.parts.payments.record(tx, snapshot);
        if (payment !== null) await this.parts.refunds.recordAll(tx, payment, snapshot);
      };
    },
    dispute: (scope, id) => this.fetchDispute(scope, id),
  };

  /** A dispute names its charge only; the charge names the payment. */
  private async fetchDispute(scope: Scope, id: string): Promise<RecordSnapshot> {
    const dispute = await this.parts.processor.find(scope, (tilled) => tilled.getDispute(id));
    if (dispute === null) return NOTHING;
    const charge = await this.parts.processor.ask(scope, (tilled) => tilled.getCharge(dispute.charge_id));
    const known = await PaymentRepository.of(scope).findByTilledId(charge.payment_intent_id);
    // A payment we know is looked at by its own job only: two looks at once could end with the older one written last.
    if (known !== null) return (tx) => this.parts.disputes.record(tx, dispute, known);
    const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(charge.payment_intent_id));
    return async (tx) => {
      const payment = await this.parts.payments.record(tx, intent);
      await tx.db.flush();
      if (payment !== null) await this.parts.disputes.record(tx, dispute, payment);
    };
  }
}

/** Tilled refuses to show the object: asking again will not change that. */
function givenUpIfRefused(error: unknown): never {
  throw error instanceof ReadRefused ? new GiveUp(error.message, { cause: error }) : error;
}
