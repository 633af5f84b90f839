import type { Clock } from '../../platform/clock.js';
import { assert, IllegalTransition, InvalidInput, ProcessorRejected } from '../../platform/errors.js';
import { Postponed } from '../../platform/idempotency/idempotency.errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import { type Execution, type IdempotentMutation, type Intent, isLeftOpen, type Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledRefund, TilledRefundReason } from '../../tilled/tilled.shapes.js';
import { mergedMetadata } from '../kit/metadata.js';
import { markedId, markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import type { Payment } from '../payments/payment.entity.js';
import { DuplicateReference, PROCESSOR_REJECTED } from '../payments/payment.errors.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { PaymentStatus } from '../payments/payment.states.js';
import type { Refund } from './refund.entity.js';
import { errorsOf, failureOf, PaymentDisputed, RefundTooLarge, throwFailureOf } from './refund.errors.js';
import type { RefundCreateInput } from './refund.inputs.js';
import type { RefundMirror } from './refund.mirror.js';
import { RefundRepository } from './refund.repository.js';
import { RESERVING_STATUSES, RefundStatus } from './refund.states.js';

/** What nouns above refunds know about a payment. */
export interface RefundDependents {
  /** Whether a dispute of it is open or lost. */
  isDisputed(scope: Scope, paymentId: string): Promise<boolean>;
}

interface RefundServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly mirror: RefundMirror;
  readonly clock: Clock;
  readonly ids: Ids;
}

const { PENDING, FAILED, UNKNOWN } = RefundStatus;

/** Tilled's word for "not before the nightly batch": a part of a charge cannot be given back until then. */
const NOT_BATCHED = /batched yet/i;
const ASK_AGAIN_AFTER_MS = 3_600_000;

/** What the intent left for its execution, if there is anything beside the row. */
interface RefundPayload {
  readonly refundPlatformFee: true;
}

/** Refunds: reserved on the payment first, then asked of Tilled. */
export class RefundService {
  constructor(
    private readonly parts: RefundServiceParts,
    private readonly dependents: RefundDependents,
  ) {}

  readonly creation: IdempotentMutation<Refund> = {
    operation: 'refundCreate',
    sells: false,
    execute: (scope, execution) => this.sendCreate(scope, execution),
    withdraw: (tx, execution) => this.withdraw(tx, execution.subject),
    load: (scope, id) => RefundRepository.of(scope).findCommitted(id),
    errorsOf,
  };

  create(scope: Scope, input: RefundCreateInput): Promise<Outcome<Refund>> {
    return this.parts.intents.run(scope, this.creation, { input, intend: (tx) => this.intendCreate(tx, input) });
  }

  private async intendCreate(tx: Scope, input: RefundCreateInput): Promise<Intent> {
    const payment = await PaymentRepository.of(tx).lock(input.paymentId, ['paymentId']);
    const existing = input.referenceId ? await RefundRepository.of(tx).findHolderOf(input.referenceId) : null;
    if (existing !== null) return existingIntent(existing, payment, input);
    if (payment.status !== PaymentStatus.SUCCEEDED) throw new IllegalTransition('payment', payment.status, 'refunded');
    const amountMinor = amountOf(payment, input, refundableOf(payment));
    const isDisputed = !input.acknowledgeDispute && (await this.dependents.isDisputed(tx, payment.id));
    if (isDisputed) throw new PaymentDisputed(payment.id);
    const refund = this.newRefund(tx, payment, input, amountMinor);
    await this.parts.mirror.recount(tx, payment);
    assert(payment.refundReservedMinor <= payment.capturedMinor, `payment ${payment.id} is over-refunded`);
    const payload: RefundPayload | null = input.refundPlatformFee ? { refundPlatformFee: true } : null;
    return { subject: refund.id, payload };
  }

  private newRefund(tx: Scope, payment: Payment, input: RefundCreateInput, amountMinor: number): Refund {
    const now = this.parts.clock.now();
    return RefundRepository.of(tx).add({
      id: this.parts.ids.make('re'),
      paymentId: payment.id,
      customerId: payment.customerId,
      tilledRefundId: null,
      status: PENDING,
      amountMinor,
      currency: payment.currency,
      reason: input.reason ?? null,
      referenceId: input.referenceId ?? null,
      referenceHeld: input.referenceId ?? null,
      failureCode: null,
      failureMessage: null,
      metadata: mergedMetadata({}, input.metadata),
      createdAt: now,
      updatedAt: now,
    });
  }

  private async sendCreate(scope: Scope, execution: Execution): Promise<void> {
    const refund = await RefundRepository.of(scope).get(execution.subject);
    if (refund.tilledRefundId !== null || refund.status === FAILED) return throwFailureOf(refund);
    const payment = await PaymentRepository.of(scope).get(refund.paymentId);
    const snapshot = await this.orRecorded(scope, execution, async () => {
      const known = execution.isFirst ? null : await this.findAtTilled(scope, refund, payment);
      if (known !== null) return known;
      await execution.assertNothingUnderWay();
      return this.ask(scope, execution, { refund, payment });
    });
    await recordAnswer(scope, {
      execution,
      snapshot,
      seenVersion: stateOf(refund),
      currentVersion: async (tx) => {
        // The payment first, as everywhere: two who lock both in other orders would wait for each other.
        await PaymentRepository.of(tx).lock(payment.id);
        return stateOf(await RefundRepository.of(tx).lock(refund.id));
      },
      readAgain: () => this.parts.processor.ask(scope, (tilled) => tilled.getRefund(snapshot.id)),
      record: async (tx, latest) => {
        await this.parts.mirror.record(tx, payment.id, latest);
        return failureOf(await RefundRepository.of(tx).lock(refund.id));
      },
    });
    throwFailureOf(await RefundRepository.of(scope).get(refund.id));
  }

  private ask(scope: Scope, execution: Execution, { refund, payment }: { refund: Refund; payment: Payment }): Promise<TilledRefund> {
    const isWithFee = execution.payload !== null;
    // Always with the amount: without it Tilled gives back all that is left, less if somebody refunded by hand.
    return this.parts.processor.send(scope, execution.lease, (tilled) =>
      tilled.createRefund({
        payment_intent_id: tilledIntentOf(payment),
        amount: refund.amountMinor,
        ...(refund.reason === null ? {} : { reason: refund.reason.toLowerCase() as TilledRefundReason }),
        ...(isWithFee ? { refund_platform_fee: true } : {}),
        metadata: markOf(scope, refund.id),
      }),
    );
  }

  /** The refund itself is on its charge at Tilled, so this answer is certain. */
  private async findAtTilled(scope: Scope, refund: Refund, payment: Payment): Promise<TilledRefund | null> {
    const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(tilledIntentOf(payment)));
    const refunds = intent.charges.flatMap((charge) => charge.refunds);
    return refunds.find((candidate) => markedId(scope, candidate.metadata) === refund.id) ?? null;
  }

  /** Records what a failed call means for the refund, then passes it on. */
  private async orRecorded(scope: Scope, execution: Execution, work: () => Promise<TilledRefund>): Promise<TilledRefund> {
    try {
      return await work();
    } catch (error) {
      if (isLeftOpen(execution, error)) await this.setUnderLease(scope, execution, UNKNOWN);
      if (!(error instanceof ProcessorRejected)) throw error;
      if (NOT_BATCHED.test(error.reason)) throw new Postponed(ASK_AGAIN_AFTER_MS, { cause: error });
      await this.setUnderLease(scope, execution, FAILED, { failureCode: PROCESSOR_REJECTED, failureMessage: error.reason.slice(0, 500) });
      throw error;
    }
  }

  /** Throws LeaseLost where another worker has the refund: then our failure to know, or to do it, is not its state. */
  private setUnderLease(scope: Scope, execution: Execution, status: RefundStatus, facts: Partial<Refund> = {}): Promise<void> {
    return scope.transaction(async (tx) => {
      await this.parts.mirror.set(tx, execution.subject, status, facts);
      await execution.confirm(tx);
    });
  }

  private async withdraw(tx: Scope, refundId: string): Promise<void> {
    const refund = await RefundRepository.of(tx).get(refundId);
    const payment = await PaymentRepository.of(tx).lock(refund.paymentId);
    RefundRepository.of(tx).remove(await RefundRepository.of(tx).lock(refundId));
    await this.parts.mirror.recount(tx, payment);
  }
}

/** What news of a refund would change. */
function stateOf(refund: Refund): string {
  return `${refund.status} ${refund.tilledRefundId}`;
}

/** What no refund has reserved yet, in minor units. */
function refundableOf(payment: Payment): number {
  // What was given back at Tilled by hand may be more than what our own refunds left of it.
  return Math.max(0, payment.capturedMinor - payment.refundReservedMinor);
}

/** The same reference again: the same refund if it asks for the same, else a mistake. */
function existingIntent(existing: Refund, payment: Payment, input: RefundCreateInput): Intent {
  // Without an amount everything was asked for: what is left now, and what the existing refund took of it.
  const askedMinor =
    input.amount?.amountMinor ?? refundableOf(payment) + (RESERVING_STATUSES.includes(existing.status) ? existing.amountMinor : 0);
  const isSame = existing.paymentId === payment.id && askedMinor === existing.amountMinor;
  if (!isSame) throw new DuplicateReference('refund', input.referenceId ?? '', existing.id);
  return { subject: existing.id, isExisting: true };
}

function amountOf(payment: Payment, input: RefundCreateInput, refundableMinor: number): number {
  if (input.amount && input.amount.currency !== payment.currency) {
    throw InvalidInput.because(['amount', 'currency'], `The payment is in ${payment.currency}.`);
  }
  const askedMinor = input.amount?.amountMinor ?? refundableMinor;
  if (askedMinor > refundableMinor || askedMinor === 0) throw new RefundTooLarge(askedMinor, refundableMinor);
  return askedMinor;
}

function tilledIntentOf(payment: Payment): string {
  if (payment.tilledPaymentIntentId === null) throw new Error(`Payment ${payment.id} is not at Tilled.`);
  return payment.tilledPaymentIntentId;
}
