import { OutcomeUnknown, ProcessorRejected } from '../../platform/errors.js';
import type { Execution } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCurrency, TilledPaymentIntent, TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { markOf, type Processor } from '../kit/processor.js';
import { type AttemptStep, CLOSING_REASON, NEXT_STEP, progressOf, type UnansweredConfirms, unansweredConfirms } from './payment.attempt.js';
import { CaptureMethod, type Payment } from './payment.entity.js';
import { failureOf, PROCESSOR_REJECTED } from './payment.errors.js';
import type { PaymentRecorder } from './payment.recorder.js';
import { PaymentRepository } from './payment.repository.js';
import { isSettled, PaymentStatus } from './payment.states.js';

interface PaymentSenderParts {
  readonly processor: Processor;
  readonly recorder: PaymentRecorder;
}

/** What Tilled said of an intent, the payment's version when it was asked, and what may still come of confirms. */
interface IntentAnswer {
  readonly intent: TilledPaymentIntent;
  readonly seenVersion: number;
  readonly confirms: UnansweredConfirms;
}

/** What the intent left for its execution: the method to collect with, in Tilled's terms. */
export interface MethodAtTilled {
  readonly id: string;
  readonly type: TilledPaymentMethodType;
}

/** An intent older than this was forgotten by its caller: it is called off rather than carried out, ms. */
const INTENT_GOOD_FOR_MS = 3_600_000;

/**
 * Asks Tilled to take a payment. Tilled has no idempotency keys, so a payment is taken in two steps that cannot take it
 * twice: an unconfirmed intent is made (money does not move; one too many is harmless), its id is stored, and that one
 * intent is confirmed.
 */
export class PaymentSender {
  constructor(private readonly parts: PaymentSenderParts) {}

  /**
   * Takes the payment, once. Throws PaymentDeclined, PaymentCanceled, ProcessorRejected, ProcessorUnavailable or
   * OutcomeUnknown.
   */
  async create(scope: Scope, execution: Execution): Promise<void> {
    const payment = await this.paymentOf(scope, execution.subject);
    if (!isSettled(payment.status)) {
      const outcome = await this.parts.recorder.recordingUnknown(scope, execution, async () =>
        this.outcomeOf(scope, execution, await this.intentOf(scope, execution, payment)),
      );
      await this.parts.recorder.record(scope, execution, outcome, failureOf);
    }
    const failure = failureOf(await this.paymentOf(scope, execution.subject));
    if (failure !== null) throw failure;
  }

  private async paymentOf(scope: Scope, id: string): Promise<Payment> {
    const payments = PaymentRepository.of(scope);
    return (await payments.findCommitted(id)) ?? payments.get(id);
  }

  /** Takes the steps that the attempt needs until its intent has an outcome. Throws OutcomeUnknown without one. */
  private async outcomeOf(scope: Scope, execution: Execution, seen: IntentAnswer): Promise<IntentAnswer> {
    switch (stepAfter(seen)) {
      case 'settle':
        return seen;
      case 'close':
        return this.close(scope, execution, seen);
      case 'confirm':
        return execution.lease.ageMs() > INTENT_GOOD_FOR_MS ? this.close(scope, execution, seen) : this.confirm(scope, execution, seen);
      case 'wait':
        await execution.assertNothingUnderWay();
        throw new OutcomeUnknown();
    }
  }

  private async confirm(scope: Scope, execution: Execution, seen: IntentAnswer): Promise<IntentAnswer> {
    const answer = await this.parts.processor
      .send(scope, execution.lease, (tilled) => tilled.confirmPaymentIntent(seen.intent.id))
      .catch((error: unknown) => this.afterRefusedConfirm(scope, execution, { seen, error }));
    const shown = progressOf(answer);
    // No change is no outcome: what was asked for may still be under way.
    if (shown === 'unconfirmed' || shown === 'unpaid') {
      execution.lease.doubt();
      throw new OutcomeUnknown();
    }
    const confirmed = { ...seen, intent: answer };
    return stepAfter(confirmed) === 'close' ? this.close(scope, execution, confirmed) : confirmed;
  }

  /** What a refused confirm left. To the only one it was an answer: nobody will ever take the payment. */
  private async afterRefusedConfirm(
    scope: Scope,
    execution: Execution,
    { seen, error }: { readonly seen: IntentAnswer; readonly error: unknown },
  ): Promise<TilledPaymentIntent> {
    if (!(error instanceof ProcessorRejected)) throw error;
    const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(seen.intent.id));
    if (progressOf(intent) !== 'unconfirmed') return intent;
    if (seen.confirms === 'answered') return this.fail(scope, execution, error);
    return (await this.close(scope, execution, { ...seen, intent })).intent;
  }

  /** The intent canceled and read back: whatever is still on its way to it can take no money then, or has taken it. */
  private async close(scope: Scope, execution: Execution, seen: IntentAnswer): Promise<IntentAnswer> {
    await this.parts.processor
      .send(scope, execution.lease, (tilled) => tilled.cancelPaymentIntent(seen.intent.id, { cancellation_reason: CLOSING_REASON }))
      .catch((error: unknown) => {
        // What it is instead is read now.
        if (!(error instanceof ProcessorRejected)) throw error;
      });
    const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(seen.intent.id));
    const shown = progressOf(intent);
    if (shown !== 'canceled' && shown !== 'taken') throw new OutcomeUnknown();
    return { ...seen, intent };
  }

  private async intentOf(scope: Scope, execution: Execution, payment: Payment): Promise<IntentAnswer> {
    const { tilledPaymentIntentId: stored, version } = payment;
    if (stored !== null) {
      const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(stored));
      return { intent, seenVersion: version, confirms: unansweredConfirms(await execution.doubt(), execution.lease.sends) };
    }
    const found = execution.isFirst ? null : await this.findAtTilled(scope, payment.id);
    const made =
      found ?? (await this.makeIntent(scope, execution, payment).catch((error: unknown) => this.failIfRefused(scope, execution, error)));
    const isTaken = await scope.transaction((tx) => PaymentRepository.of(tx).takeIntent(payment.id, made.id));
    const seenVersion = isTaken ? version + 1 : (await this.storedMeanwhile(scope, payment.id, made)).version;
    // Only a stored intent is ever confirmed, so nothing that was sent before can take the payment.
    return { intent: made, seenVersion, confirms: 'answered' };
  }

  /** The payment, whose intent was stored since it was read: by the news of it, if it is this one. */
  private async storedMeanwhile(scope: Scope, id: string, made: TilledPaymentIntent): Promise<Payment> {
    const payment = await this.paymentOf(scope, id);
    // Another try stored its intent first and may be confirming it: that one is the payment's, ours stays unused.
    if (payment.tilledPaymentIntentId !== made.id) throw new OutcomeUnknown();
    return payment;
  }

  private makeIntent(scope: Scope, execution: Execution, payment: Payment): Promise<TilledPaymentIntent> {
    const method = execution.payload as MethodAtTilled;
    return this.parts.processor.send(scope, execution.lease.forHarmless, (tilled) =>
      tilled.createPaymentIntent({
        amount: payment.amountMinor,
        currency: payment.currency as TilledCurrency,
        payment_method_types: [method.type],
        payment_method_id: method.id,
        capture_method: payment.captureMethod === CaptureMethod.MANUAL ? 'manual' : 'automatic',
        ...(payment.platformFeeMinor === null ? {} : { platform_fee_amount: payment.platformFeeMinor }),
        occurrence_type: 'merchant_ad_hoc',
        metadata: { ...markOf(scope, payment.id), ...(payment.referenceId === null ? {} : { reference_id: payment.referenceId }) },
      }),
    );
  }

  /** A payment for which Tilled makes no intent will never be taken. */
  private failIfRefused(scope: Scope, execution: Execution, error: unknown): Promise<never> {
    if (error instanceof ProcessorRejected) return this.fail(scope, execution, error);
    throw error;
  }

  private async findAtTilled(scope: Scope, id: string): Promise<TilledPaymentIntent | null> {
    const list = await this.parts.processor.ask(scope, (tilled) => tilled.listPaymentIntents({ metadata: markOf(scope, id), limit: 100 }));
    return list.items.find((intent) => intent.status !== 'requires_confirmation') ?? list.items[0] ?? null;
  }

  /** Writes down that the payment will never be taken, and why. Throws the refusal. */
  private async fail(scope: Scope, execution: Execution, error: ProcessorRejected): Promise<never> {
    const facts = { failureCode: PROCESSOR_REJECTED, failureMessage: error.reason.slice(0, 500) };
    await this.parts.recorder.setUnderLease(scope, execution, PaymentStatus.FAILED, facts);
    throw error;
  }
}

/** What the attempt does next about what Tilled shows. */
function stepAfter({ intent, confirms }: IntentAnswer): AttemptStep {
  return NEXT_STEP[progressOf(intent)][confirms];
}
