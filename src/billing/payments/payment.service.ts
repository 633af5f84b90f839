import type { Clock } from '../../platform/clock.js';
import { IllegalTransition, InvalidInput } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { IdempotentMutation, Intent, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { mergedMetadata } from '../kit/metadata.js';
import { assertNoneOpen } from '../kit/open-mutations.js';
import { platformFeeOf } from '../kit/platform-fee.js';
import type { Processor } from '../kit/processor.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { assertDebits, usableMethod } from '../subscriptions/usable-method.js';
import type { CapturePayload, PaymentChanges } from './payment.changes.js';
import { CaptureMethod, type Payment } from './payment.entity.js';
import { DuplicateReference, errorsOf } from './payment.errors.js';
import type { PaymentCancelInput, PaymentCaptureInput, PaymentCreateInput } from './payment.inputs.js';
import { nextActionOf, type PaymentNextAction } from './payment.next-action.js';
import { CANCEL, letGoOfReference } from './payment.reference.js';
import { PaymentRepository } from './payment.repository.js';
import type { MethodAtTilled, PaymentSender } from './payment.sender.js';
import { OVER_STATUSES, PaymentStatus } from './payment.states.js';

interface PaymentServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly sender: PaymentSender;
  readonly changes: PaymentChanges;
  readonly clock: Clock;
  readonly ids: Ids;
}

const { PENDING, REQUIRES_ACTION, REQUIRES_CAPTURE, FAILED } = PaymentStatus;

const CAPTURE = 'paymentCapture';
/** What becomes of money that is held: one at a time. */
const ENDINGS = [CAPTURE, CANCEL];

const loadById = (scope: Scope, id: string): Promise<Payment | null> => PaymentRepository.of(scope).findCommitted(id);

/** Payments: what a request wants, and what its row must be for it. How Tilled is asked is the sender's. */
export class PaymentService {
  constructor(private readonly parts: PaymentServiceParts) {}

  readonly creation: IdempotentMutation<Payment> = {
    operation: 'paymentCreate',
    sells: true,
    execute: (scope, execution) => this.parts.sender.create(scope, execution),
    withdraw: async (tx, execution) => {
      const payment = await PaymentRepository.of(tx).lock(execution.subject);
      await letGoOfReference(tx, payment);
      PaymentRepository.of(tx).remove(payment);
    },
    load: loadById,
    errorsOf,
  };

  readonly capturing: IdempotentMutation<Payment> = {
    operation: CAPTURE,
    sells: true,
    execute: (scope, execution) => this.parts.changes.capture(scope, execution),
    withdraw: async () => undefined,
    load: loadById,
  };

  readonly cancellation: IdempotentMutation<Payment> = {
    operation: CANCEL,
    sells: false,
    execute: (scope, execution) => this.parts.changes.cancel(scope, execution),
    withdraw: async () => undefined,
    load: loadById,
  };

  /** What the payer has to do; null where nothing is. Throws ReadRefused or ProcessorUnavailable. */
  nextAction(scope: Scope, payment: Payment): Promise<PaymentNextAction | null> {
    return nextActionOf(scope, this.parts.processor, payment);
  }

  create(scope: Scope, input: PaymentCreateInput): Promise<Outcome<Payment>> {
    return this.parts.intents.run(scope, this.creation, {
      input,
      intend: (tx, isSecondTry) => this.intendCreate(tx, input, isSecondTry),
    });
  }

  capture(scope: Scope, input: PaymentCaptureInput): Promise<Outcome<Payment>> {
    return this.parts.intents.run(scope, this.capturing, {
      input,
      intend: async (tx) => {
        const payment = await PaymentRepository.of(tx).lock(input.id);
        await assertNoneOpen(tx, payment.id, ENDINGS);
        if (payment.status !== REQUIRES_CAPTURE) throw new IllegalTransition('payment', payment.status, 'captured');
        return { subject: payment.id, payload: capturePayload(payment, input) };
      },
    });
  }

  cancel(scope: Scope, input: PaymentCancelInput): Promise<Outcome<Payment>> {
    return this.parts.intents.run(scope, this.cancellation, {
      input,
      intend: async (tx) => {
        const payment = await PaymentRepository.of(tx).lock(input.id);
        await assertNoneOpen(tx, payment.id, ENDINGS);
        const isOpen = payment.tilledPaymentIntentId !== null && [REQUIRES_ACTION, REQUIRES_CAPTURE, FAILED].includes(payment.status);
        if (!isOpen) throw new IllegalTransition('payment', payment.status, 'canceled');
        return { subject: payment.id };
      },
    });
  }

  private async intendCreate(tx: Scope, input: PaymentCreateInput, isSecondTry: boolean): Promise<Intent> {
    const existing = input.referenceId && isSecondTry ? await PaymentRepository.of(tx).lockHolderOf(input.referenceId) : null;
    if (existing !== null) return existingIntent(existing, input);
    const method = await usableMethod(tx, input.customerId, input.paymentMethodId);
    assertDebits(method, input.amount.currency, ['amount', 'currency']);
    const payload: MethodAtTilled = { id: method.tilledPaymentMethodId, type: method.type.toLowerCase() as TilledPaymentMethodType };
    return { subject: this.newPayment(tx, method, input).id, payload };
  }

  private newPayment(tx: Scope, method: PaymentMethod, input: PaymentCreateInput): Payment {
    const now = this.parts.clock.now();
    return PaymentRepository.of(tx).add({
      id: this.parts.ids.make('pay'),
      version: 1,
      customerId: method.customerId,
      paymentMethodId: method.id,
      subscriptionId: null,
      tilledPaymentIntentId: null,
      status: PENDING,
      captureMethod: input.captureMethod ?? CaptureMethod.AUTOMATIC,
      amountMinor: input.amount.amountMinor,
      currency: input.amount.currency,
      capturedMinor: 0,
      platformFeeMinor: platformFeeOf(input.platformFee, input.amount),
      refundedMinor: 0,
      refundReservedMinor: 0,
      referenceId: input.referenceId ?? null,
      referenceHeld: input.referenceId ?? null,
      description: input.description ?? null,
      failureCode: null,
      failureMessage: null,
      metadata: mergedMetadata({}, input.metadata),
      createdAt: now,
      updatedAt: now,
    });
  }
}

/**
 * A reference whose payment took the money, or may still take it: that payment if the same is asked for, else a
 * mistake. With what it is paid is not compared: another card is no reason to take the money twice.
 */
function existingIntent(existing: Payment, input: PaymentCreateInput): Intent {
  if (OVER_STATUSES.includes(existing.status)) throw new AlreadyRunning(CANCEL, existing.id);
  const isSame =
    existing.amountMinor === input.amount.amountMinor &&
    existing.currency === input.amount.currency &&
    existing.customerId === input.customerId &&
    existing.captureMethod === (input.captureMethod ?? CaptureMethod.AUTOMATIC);
  if (!isSame) throw new DuplicateReference('payment', input.referenceId ?? '', existing.id);
  return { subject: existing.id, isExisting: true };
}

/** Tilled takes no more fee than is captured: it is told so, where the fee was meant for more. */
function capturePayload(payment: Payment, input: PaymentCaptureInput): CapturePayload {
  const amountMinor = captureAmount(payment, input);
  const { platformFeeMinor } = payment;
  return platformFeeMinor !== null && platformFeeMinor > amountMinor ? { amountMinor, platformFeeMinor: amountMinor } : { amountMinor };
}

function captureAmount(payment: Payment, input: PaymentCaptureInput): number {
  if (!input.amount) return payment.amountMinor;
  if (input.amount.currency !== payment.currency)
    throw InvalidInput.because(['amount', 'currency'], `The payment is in ${payment.currency}.`);
  if (input.amount.amountMinor > payment.amountMinor) {
    throw InvalidInput.because(['amount', 'amountMinor'], `At most ${payment.amountMinor} minor units were authorised.`);
  }
  return input.amount.amountMinor;
}
