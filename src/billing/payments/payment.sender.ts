import type { Clock } from '../../platform/clock.js';
import { type AppError, OutcomeUnknown, ProcessorRejected, ProcessorUnavailable } from '../../platform/errors.js';
import type { Act } from '../../platform/idempotency/story.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCurrency, TilledPaymentIntent, TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { moveTo } from '../kit/transition.js';
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

/** What the intent left for its act: the method to collect with, in Tilled's terms. */
export interface MethodAtTilled {
  readonly id: string;
  readonly type: TilledPaymentMethodType;
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
    const payment = await this.asLeft(scope, act.subject);
    if (!isSettled(payment.status)) {
      const answer = await this.orUnknown(scope, act, () => this.orFailed(scope, payment, () => this.collected(scope, act, payment)));
      await this.record(scope, act, answer, declineIn);
    }
    const decline = declineIn(await this.asLeft(scope, act.subject));
    if (decline !== null) throw decline;
  }

  private async asLeft(scope: Scope, id: string): Promise<Payment> {
    const payments = PaymentRepository.of(scope);
    return (await payments.asLeft(id)) ?? payments.get(id);
  }

  /** The payment's one intent, confirmed; never a second one that could take money too. */
  private async collected(scope: Scope, act: Act, payment: Payment): Promise<IntentAnswer> {
    const { intent, seenVersion } = await this.intentOf(scope, act, payment);
    if (intent.status !== 'requires_confirmation') return { intent, seenVersion };
    const isForgotten = this.parts.clock.now().getTime() - payment.createdAt.getTime() > INTENT_GOOD_FOR_MS;
    const answer = await this.parts.processor.ask(scope, (tilled) =>
      isForgotten ? tilled.cancelPaymentIntent(intent.id, { cancellation_reason: 'abandoned' }) : tilled.confirmPaymentIntent(intent.id),
    );
    return { intent: answer, seenVersion };
  }

  private async intentOf(scope: Scope, act: Act, payment: Payment): Promise<IntentAnswer> {
    if (payment.tilledPaymentIntentId !== null) return this.lookAt(scope, payment);
    const made = (act.isFirst ? null : await this.findAtTilled(scope, payment.id)) ?? (await this.makeIntent(scope, act, payment));
    const isTaken = await scope.transaction((tx) => PaymentRepository.of(tx).takeIntent(payment.id, made.id));
    if (isTaken) return { intent: made, seenVersion: payment.version + 1 };
    // Another try stored its intent first: that one is the payment's, and ours stays unconfirmed.
    return this.lookAt(scope, await PaymentRepository.of(scope).get(payment.id));
  }

  private async lookAt(scope: Scope, { tilledPaymentIntentId, version }: Payment): Promise<IntentAnswer> {
    if (tilledPaymentIntentId === null) throw new Error('A payment without an intent cannot be looked at.');
    return {
      intent: await this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(tilledPaymentIntentId)),
      seenVersion: version,
    };
  }

  private makeIntent(scope: Scope, act: Act, payment: Payment): Promise<TilledPaymentIntent> {
    const method = act.payload as MethodAtTilled;
    return this.parts.processor.ask(scope, (tilled) =>
      tilled.createPaymentIntent({
        amount: payment.amountMinor,
        currency: payment.currency as TilledCurrency,
        payment_method_types: [method.type],
        payment_method_id: method.id,
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
    await this.record(scope, act, { intent, seenVersion: payment.version });
  }

  /** Releases what was held. */
  async cancel(scope: Scope, act: Act): Promise<void> {
    const payment = await PaymentRepository.of(scope).get(act.subject);
    const intent = await this.orUnknown(scope, act, () =>
      this.unlessDone(scope, payment, 'canceled', (id) =>
        this.parts.processor.ask(scope, (tilled) => tilled.cancelPaymentIntent(id, { cancellation_reason: 'requested_by_customer' })),
      ),
    );
    await this.record(scope, act, { intent, seenVersion: payment.version });
  }

  private record(
    scope: Scope,
    act: Act,
    { intent, seenVersion }: IntentAnswer,
    failureIn: (payment: Payment) => AppError | null = () => null,
  ): Promise<void> {
    const locked = (tx: Scope) => PaymentRepository.of(tx).lock(act.subject);
    return recordAnswer(scope, {
      act,
      snapshot: intent,
      seenVersion,
      currentVersion: async (tx) => (await locked(tx)).version,
      look: () => this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(intent.id)),
      record: async (tx, snapshot) => {
        const payment = await locked(tx);
        await this.parts.mirror.recordOn(tx, payment, snapshot);
        return failureIn(payment);
      },
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

function declineIn(payment: Payment): AppError | null {
  return payment.status === FAILED ? declineOf(payment) : null;
}
