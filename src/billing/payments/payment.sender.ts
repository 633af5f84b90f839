import type { Clock } from '../../platform/clock.js';
import { OutcomeUnknown, ProcessorRejected, ProcessorUnavailable } from '../../platform/errors.js';
import type { Act } from '../../platform/idempotency/story.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCurrency, TilledPaymentIntent, TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { moveTo } from '../kit/transition.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { CaptureMethod, type Payment } from './payment.entity.js';
import { declineOf } from './payment.errors.js';
import type { PaymentMirror } from './payment.mirror.js';
import { PaymentRepository } from './payment.repository.js';
import { isSettled, PAYMENT_STATES, PaymentStatus } from './payment.states.js';

interface PaymentSenderParts {
  readonly processor: Processor;
  readonly mirror: PaymentMirror;
  readonly clock: Clock;
}

/** What Tilled said of an intent, and the version of its payment when it was asked. */
interface IntentAnswer {
  readonly intent: TilledPaymentIntent;
  readonly seenVersion: number;
}

const { FAILED, UNKNOWN } = PaymentStatus;

/** An intent older than this was forgotten by its caller: it is called off rather than carried out, ms. */
const INTENT_GOOD_FOR_MS = 3_600_000;

/**
 * Asks Tilled to take, capture and release. Tilled has no idempotency keys, so a payment is taken in two steps that cannot take it twice: an unconfirmed
 * intent is made (money does not move; one too many is harmless), its id is stored, and that one intent is confirmed.
 */
export class PaymentSender {
  constructor(private readonly parts: PaymentSenderParts) {}

  /** Takes the payment, once. Throws PaymentDeclined, ProcessorRejected, ProcessorUnavailable or OutcomeUnknown. */
  async create(scope: Scope, act: Act): Promise<void> {
    const payment = await PaymentRepository.of(scope).get(act.subject);
    if (!isSettled(payment.status)) {
      const intent = await this.orUnknown(scope, act, () =>
        this.orFailed(scope, payment, () => this.collected(scope, payment, act.isFirst)),
      );
      await this.record(scope, payment.id, intent);
    }
    const settled = await PaymentRepository.of(scope).get(act.subject);
    if (settled.status === FAILED) throw declineOf(settled);
  }

  /** The payment's one intent, confirmed; never a second one that could take money too. */
  private async collected(scope: Scope, payment: Payment, isFirst: boolean): Promise<IntentAnswer> {
    const intent = await this.intentOf(scope, payment, isFirst);
    const { version: seenVersion } = await PaymentRepository.of(scope).get(payment.id);
    if (intent.status !== 'requires_confirmation') return { intent, seenVersion: payment.version };
    const isForgotten = this.parts.clock.now().getTime() - payment.createdAt.getTime() > INTENT_GOOD_FOR_MS;
    const answer = await this.parts.processor.ask(scope, (tilled) =>
      isForgotten ? tilled.cancelPaymentIntent(intent.id, { cancellation_reason: 'abandoned' }) : tilled.confirmPaymentIntent(intent.id),
    );
    return { intent: answer, seenVersion };
  }

  private async intentOf(scope: Scope, payment: Payment, isFirst: boolean): Promise<TilledPaymentIntent> {
    const known = payment.tilledPaymentIntentId;
    if (known !== null) return this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(known));
    const made = (isFirst ? null : await this.findAtTilled(scope, payment.id)) ?? (await this.makeIntent(scope, payment));
    await scope.transaction(async (tx) => {
      const row = await PaymentRepository.of(tx).lock(payment.id);
      row.tilledPaymentIntentId ??= made.id;
    });
    const stored = (await PaymentRepository.of(scope).get(payment.id)).tilledPaymentIntentId;
    // Another try stored its intent first: that one is the payment's, and ours stays unconfirmed.
    return stored === made.id || stored === null ? made : this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(stored));
  }

  private async makeIntent(scope: Scope, payment: Payment): Promise<TilledPaymentIntent> {
    const method = await PaymentMethodRepository.of(scope).get(payment.paymentMethodId ?? '');
    return this.parts.processor.ask(scope, (tilled) =>
      tilled.createPaymentIntent({
        amount: payment.amountMinor,
        currency: payment.currency as TilledCurrency,
        payment_method_types: [method.type.toLowerCase() as TilledPaymentMethodType],
        payment_method_id: method.tilledPaymentMethodId,
        capture_method: payment.captureMethod === CaptureMethod.MANUAL ? 'manual' : 'automatic',
        occurrence_type: 'merchant_ad_hoc',
        metadata: { ...markOf(scope, payment.id), ...(payment.referenceId === null ? {} : { reference_id: payment.referenceId }) },
      }),
    );
  }

  private async findAtTilled(scope: Scope, id: string): Promise<TilledPaymentIntent | null> {
    const list = await this.parts.processor.ask(scope, (tilled) => tilled.listPaymentIntents({ metadata: markOf(scope, id), limit: 100 }));
    return list.items.find((intent) => intent.status !== 'requires_confirmation') ?? list.items[0] ?? null;
  }

  /** Takes what was held, once. */
  async capture(scope: Scope, act: Act): Promise<void> {
    const payment = await PaymentRepository.of(scope).get(act.subject);
    const { amountMinor } = act.payload as { amountMinor: number };
    const intent = await this.orUnknown(scope, act, () =>
      this.unlessDone(scope, payment, 'succeeded', (id) =>
        this.parts.processor.ask(scope, (tilled) => tilled.capturePaymentIntent(id, { amount_to_capture: amountMinor })),
      ),
    );
    await this.record(scope, payment.id, { intent, seenVersion: payment.version });
  }

  /** Releases what was held. */
  async cancel(scope: Scope, act: Act): Promise<void> {
    const payment = await PaymentRepository.of(scope).get(act.subject);
    const intent = await this.orUnknown(scope, act, () =>
      this.unlessDone(scope, payment, 'canceled', (id) =>
        this.parts.processor.ask(scope, (tilled) => tilled.cancelPaymentIntent(id, { cancellation_reason: 'requested_by_customer' })),
      ),
    );
    await this.record(scope, payment.id, { intent, seenVersion: payment.version });
  }

  private record(scope: Scope, id: string, { intent, seenVersion }: IntentAnswer): Promise<void> {
    return recordAnswer(scope, {
      snapshot: intent,
      seenVersion,
      currentVersion: async (tx) => (await PaymentRepository.of(tx).lock(id)).version,
      look: () => this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(intent.id)),
      record: (tx, snapshot) => this.parts.mirror.record(tx, snapshot),
    });
  }

  /** Tilled refuses to do a thing twice, so a refusal may mean that an earlier try did it. */
  private async unlessDone(
    scope: Scope,
    payment: Payment,
    done: TilledPaymentIntent['status'],
    work: (tilledId: string) => Promise<TilledPaymentIntent>,
  ): Promise<TilledPaymentIntent> {
    const id = payment.tilledPaymentIntentId;
    if (id === null) throw new Error(`Payment ${payment.id} is not at Tilled.`);
    try {
      return await work(id);
    } catch (error) {
      if (!(error instanceof ProcessorRejected)) throw error;
      const intent = await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(id));
      if (intent.status === done) return intent;
      await scope.transaction((tx) => this.parts.mirror.record(tx, intent));
      throw error;
    }
  }

  /** A payment that Tilled refused to try will never be taken. */
  private async orFailed(scope: Scope, payment: Payment, work: () => Promise<IntentAnswer>): Promise<IntentAnswer> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ProcessorRejected)) throw error;
      const { tilledPaymentIntentId: stored, version: seenVersion } = await PaymentRepository.of(scope).get(payment.id);
      const intent = stored === null ? null : await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(stored));
      if (intent !== null && intent.status !== 'requires_confirmation') return { intent, seenVersion };
      await this.set(scope, payment.id, FAILED, { failureCode: 'processor_rejected', failureMessage: error.reason.slice(0, 500) });
      throw error;
    }
  }

  /** Says UNKNOWN while what became of the request is not known. */
  private async orUnknown<T>(scope: Scope, act: Act, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isUnknown = error instanceof OutcomeUnknown || (error instanceof ProcessorUnavailable && !act.isFirst);
      if (isUnknown) await this.set(scope, act.subject, UNKNOWN, {});
      throw error;
    }
  }

  private async set(scope: Scope, id: string, status: PaymentStatus, facts: Partial<Payment>): Promise<void> {
    await scope.transaction(async (tx) => {
      const payment = await PaymentRepository.of(tx).lock(id);
      if (!PAYMENT_STATES.edges[payment.status].includes(status)) return;
      await moveTo(tx, payment, status, PAYMENT_STATES);
      Object.assign(payment, facts, { updatedAt: this.parts.clock.now() });
      tx.log.info('payment set', {
        customerId: payment.customerId,
        paymentId: id,
        tilledPaymentIntentId: payment.tilledPaymentIntentId,
        status,
      });
    });
  }
}
