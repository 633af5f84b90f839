import type { Clock } from '../../platform/clock.js';
import type { AppError } from '../../platform/errors.js';
import { type Execution, isLeftOpen } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import type { Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { moveTo } from '../kit/transition.js';
import type { Payment } from './payment.entity.js';
import type { PaymentMirror } from './payment.mirror.js';
import { letGoOfReference } from './payment.reference.js';
import { PaymentRepository } from './payment.repository.js';
import { OVER_STATUSES, PAYMENT_STATES, PaymentStatus } from './payment.states.js';

interface PaymentRecorderParts {
  readonly processor: Processor;
  readonly mirror: PaymentMirror;
  readonly clock: Clock;
}

/** Writes down the outcome of work on a payment: Tilled's answer, that there is none, or a failure. */
export class PaymentRecorder {
  constructor(private readonly parts: PaymentRecorderParts) {}

  /** Records an answer, and ends the mutation with it; `failureIn` says what failure the payment then shows. */
  record(
    scope: Scope,
    execution: Execution,
    { intent, seenVersion }: { readonly intent: TilledPaymentIntent; readonly seenVersion: number },
    failureIn: (payment: Payment) => AppError | null = () => null,
  ): Promise<void> {
    const locked = (tx: Scope) => PaymentRepository.of(tx).lock(execution.subject);
    return recordAnswer(scope, {
      execution,
      snapshot: intent,
      seenVersion,
      currentVersion: async (tx) => (await locked(tx)).version,
      readAgain: () => this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(intent.id)),
      record: async (tx, snapshot) => {
        const payment = await locked(tx);
        await this.parts.mirror.recordOn(tx, payment, snapshot);
        return failureIn(payment);
      },
    });
  }

  /** Runs `work`, and sets the payment UNKNOWN if its outcome stays open. */
  async recordingUnknown<T>(scope: Scope, execution: Execution, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isLeftOpen(execution, error)) await this.setUnderLease(scope, execution, PaymentStatus.UNKNOWN, {});
      throw error;
    }
  }

  /** Sets a status that is not Tilled's word. Throws LeaseLost where somebody else is at the payment. */
  setUnderLease(scope: Scope, execution: Execution, status: PaymentStatus, facts: Partial<Payment>): Promise<void> {
    return scope.transaction(async (tx) => {
      await this.set(tx, execution.subject, status, facts);
      await execution.confirm(tx);
    });
  }

  private async set(tx: Scope, id: string, status: PaymentStatus, facts: Partial<Payment>): Promise<void> {
    const payment = await PaymentRepository.of(tx).lock(id);
    if (!PAYMENT_STATES.edges[payment.status].includes(status)) return;
    await moveTo(tx, payment, status, PAYMENT_STATES);
    Object.assign(payment, facts, { updatedAt: this.parts.clock.now() });
    if (OVER_STATUSES.includes(status)) await letGoOfReference(tx, payment);
    tx.request.log.info('payment set', {
      customerId: payment.customerId,
      paymentId: id,
      tilledPaymentIntentId: payment.tilledPaymentIntentId,
      status,
    });
  }
}
