import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import type { Ids } from '../../platform/ids.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { markedId } from '../kit/processor.js';
import { refundedAtTilledMinor } from '../kit/refunded-at-tilled.js';
import { matchAndLockRow, matchRow, type RowMatch } from '../kit/row-match.js';
import { assertFresh, moveTo } from '../kit/transition.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import type { Subscription } from '../subscriptions/subscription.entity.js';
import type { SubscriptionMirror } from '../subscriptions/subscription.mirror.js';
import { SubscriptionRepository } from '../subscriptions/subscription.repository.js';
import { CLOSING_REASON, isAttemptOpen, progressOf } from './payment.attempt.js';
import { CaptureMethod, type Payment } from './payment.entity.js';
import { settleReference } from './payment.reference.js';
import { PaymentRepository } from './payment.repository.js';
import { CARD_PAYMENT_STATES, PAYMENT_STATES, PaymentStatus } from './payment.states.js';

const { PENDING, REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED } = PaymentStatus;

/** Of these only the attempt knows what they mean for its payment: another confirm may still be under way. */
const ENDED_WITHOUT_MONEY = ['declined', 'unpaid', 'canceled'];

interface PaymentMirrorParts {
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly subscriptions: SubscriptionMirror;
}

/** The only place that writes what Tilled says of a payment intent, whether an answer or an event brought it. */
export class PaymentMirror {
  constructor(private readonly parts: PaymentMirrorParts) {}

  /**
   * Records an intent on the payment it belongs to, and makes the payment when Tilled took it for one of our
   * subscriptions. Null for intents that are not ours, for a second one with our mark, and for one in a state that
   * cannot be: of that nothing is believed.
   */
  async record(tx: Scope, intent: TilledPaymentIntent): Promise<Payment | null> {
    const payment = await this.paymentOf(tx, intent);
    if (payment === null) return null;
    const isForAttempt = isAttemptOpen(payment, markedId(tx, intent.metadata)) && ENDED_WITHOUT_MONEY.includes(progressOf(intent));
    if (!isForAttempt) return this.recordOn(tx, payment, intent);
    // Who is at the attempt may hold an older answer: another version has them read again before they record it.
    payment.version += 1;
    return payment;
  }

  /** Records a payment's own intent on its locked row, for its own work. Null for a state that cannot be. */
  async recordOn(tx: Scope, payment: Payment, intent: TilledPaymentIntent): Promise<Payment | null> {
    const status = statusOf(intent);
    const before = payment.status;
    // Read before the confirm that we know of, most likely: what was taken since is not given back by that.
    if (status === null && isTaken(before)) assertFresh(tx, { noun: 'payment', id: payment.id, from: before, to: intent.status });
    const move = status === null ? 'stayed' : await moveTo(tx, payment, status, statesOf(intent));
    if (move === 'illegal') return null;
    const capturedBefore = payment.capturedMinor;
    const hasChanged = assignChanged(payment, factsOf(payment, intent));
    const { capturedMinor, currency } = payment;
    if (capturedMinor > capturedBefore)
      tx.db.afterCommit(() => tx.request.metrics.captured.inc({ currency }, capturedMinor - capturedBefore));
    if (move === 'moved' || hasChanged) payment.updatedAt = this.parts.clock.now();
    const rival = await settleReference(tx, this.parts.jobs, { payment, intent, move });
    if (rival !== null) await recordDuplicate(tx, duplicateOf(rival.id, intent));
    if (move === 'moved') await this.tellSubscription(tx, payment, { before, at: new Date(intent.created_at) });
    tx.request.log.info('payment mirrored', {
      customerId: payment.customerId,
      paymentId: payment.id,
      tilledPaymentIntentId: intent.id,
      status: payment.status,
      failureCode: payment.failureCode,
    });
    return payment;
  }

  /** What a payment of a subscription became is what its period says. */
  private async tellSubscription(
    tx: Scope,
    { subscriptionId, status }: Payment,
    { before, at }: { readonly before: PaymentStatus; readonly at: Date },
  ): Promise<void> {
    if (subscriptionId === null) return;
    if (isTaken(status) && !isTaken(before)) await this.parts.subscriptions.recordPaid(tx, subscriptionId, at);
    if (isTaken(before) && !isTaken(status)) await this.parts.subscriptions.recordReturned(tx, subscriptionId, at);
  }

  private async paymentOf(tx: Scope, intent: TilledPaymentIntent): Promise<Payment | null> {
    const payments = PaymentRepository.of(tx);
    const known = await payments.findByTilledId(intent.id);
    if (known !== null) return payments.lock(known.id);
    if (intent.subscription_id !== null) return this.paymentOfSubscription(tx, intent, intent.subscription_id);
    const match = await matchAndLockRow(tx, payments, intent);
    if (match === null || !match.isDuplicate) return match?.row ?? null;
    // The payment went on with another intent. One that a lost answer left behind took nothing, and is over.
    await recordDuplicate(tx, duplicateOf(match.row.id, intent));
    return null;
  }

  /** Tilled takes the payments of a subscription by itself: the first we hear of one may be its event. */
  private async paymentOfSubscription(tx: Scope, intent: TilledPaymentIntent, tilledSubscriptionId: string): Promise<Payment | null> {
    const match = await matchRow(tx, SubscriptionRepository.of(tx), { id: tilledSubscriptionId, metadata: intent.metadata });
    // Of a second subscription only money counts: it may be given back here, and is no payment of ours.
    if (match === null || (match.isDuplicate && statusOf(intent) === null)) return null;
    return this.newPayment(tx, intent, match);
  }

  private async newPayment(tx: Scope, intent: TilledPaymentIntent, { row, isDuplicate }: RowMatch<Subscription>): Promise<Payment> {
    const now = this.parts.clock.now();
    const tilledMethodId = intent.payment_method?.id;
    const method = tilledMethodId === undefined ? null : await PaymentMethodRepository.of(tx).findByTilledId(tilledMethodId);
    return PaymentRepository.of(tx).add({
      id: this.parts.ids.make('pay'),
      version: 1,
      customerId: row.customerId,
      paymentMethodId: method?.id ?? null,
      subscriptionId: isDuplicate ? null : row.id,
      tilledPaymentIntentId: intent.id,
      status: PENDING,
      captureMethod: intent.capture_method === 'manual' ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
      amountMinor: intent.amount,
      currency: intent.currency,
      capturedMinor: 0,
      platformFeeMinor: intent.platform_fee_amount || null,
      refundedMinor: 0,
      refundReservedMinor: 0,
      referenceId: null,
      referenceHeld: null,
      description: null,
      failureCode: null,
      failureMessage: null,
      metadata: {},
      createdAt: now,
      updatedAt: now,
    });
  }
}

/** A second intent with a payment's mark. It is over when it holds nothing and took nothing, or gave all back. */
export function duplicateOf(paymentId: string, intent: TilledPaymentIntent): Duplicate {
  const [takenMinor, refundedMinor] = [intent.amount_received, refundedAtTilledMinor(intent)];
  const isGivenBack = intent.status === 'succeeded' && refundedMinor >= takenMinor;
  return {
    kind: DivergenceKind.PAYMENT,
    originalId: paymentId,
    tilledId: intent.id,
    theirs: { status: statusOf(intent), amountMinor: intent.amount, currency: intent.currency, capturedMinor: takenMinor, refundedMinor },
    isOver: progressOf(intent) !== 'taken' || isGivenBack,
  };
}

/** Whether money was taken, or is on its way. */
function isTaken(status: PaymentStatus): boolean {
  return status === SUCCEEDED || status === PROCESSING;
}

function factsOf(payment: Payment, intent: TilledPaymentIntent): Partial<Payment> {
  const hasFailed = payment.status === FAILED;
  const error = intent.last_payment_error;
  return {
    tilledPaymentIntentId: payment.tilledPaymentIntentId ?? intent.id,
    // A returned bank debit takes the money back; what was refunded of it was captured all the same.
    capturedMinor: Math.max(intent.amount_received, payment.refundedMinor),
    platformFeeMinor: intent.platform_fee_amount || null,
    failureCode: hasFailed ? (error?.code ?? payment.failureCode) : null,
    failureMessage: hasFailed ? (error?.message ?? payment.failureMessage ?? '').slice(0, 500) : null,
  };
}

/** What may become of the payment of an intent. */
export function statesOf(intent: TilledPaymentIntent): typeof PAYMENT_STATES {
  return intent.payment_method_types.some((type) => type.endsWith('_debit')) ? PAYMENT_STATES : CARD_PAYMENT_STATES;
}

/** Our state for Tilled's; null where Tilled has not tried yet and there is nothing to record. */
export function statusOf(intent: TilledPaymentIntent): PaymentStatus | null {
  switch (intent.status) {
    case 'requires_payment_method':
      return intent.last_payment_error === null ? null : FAILED;
    case 'requires_confirmation':
      return null;
    case 'requires_action':
      return REQUIRES_ACTION;
    case 'processing':
      return PROCESSING;
    case 'requires_capture':
      return REQUIRES_CAPTURE;
    case 'succeeded':
      return SUCCEEDED;
    case 'canceled':
      // A declined one that the attempt closed behind it.
      return intent.last_payment_error !== null && intent.cancellation_reason === CLOSING_REASON ? FAILED : CANCELED;
  }
}
