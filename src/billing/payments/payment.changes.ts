import { OutcomeUnknown } from '../../platform/errors.js';
import type { Execution } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledAccountClient } from '../../tilled/tilled.client.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { changeOnce } from '../kit/change-once.js';
import type { Processor } from '../kit/processor.js';
import { CLOSING_REASON } from './payment.attempt.js';
import type { PaymentMirror } from './payment.mirror.js';
import type { PaymentRecorder } from './payment.recorder.js';
import type { ClosingPayload } from './payment.reference.js';
import { PaymentRepository } from './payment.repository.js';
import { OVER_STATUSES } from './payment.states.js';

interface PaymentChangesParts {
  readonly processor: Processor;
  readonly mirror: PaymentMirror;
  readonly recorder: PaymentRecorder;
}

/** What the intent of paymentCapture left for its execution. */
export interface CapturePayload {
  readonly amountMinor: number;
  /** The platform's part, where it changes with the capture. */
  readonly platformFeeMinor?: number;
}

/** What is done to an intent that is there. */
interface IntentChange {
  readonly send: (tilled: TilledAccountClient, id: string) => Promise<TilledPaymentIntent>;
  /** What the intent is once it is done. */
  readonly done: readonly TilledPaymentIntent['status'][];
  readonly resend: 'atOnce' | 'whenQuiet';
}

/** Has Tilled capture or release what is held. Throws ProcessorRejected, ProcessorUnavailable or OutcomeUnknown. */
export class PaymentChanges {
  constructor(private readonly parts: PaymentChangesParts) {}

  /** Takes what was held, once. */
  async capture(scope: Scope, execution: Execution): Promise<void> {
    const { amountMinor, platformFeeMinor } = execution.payload as CapturePayload;
    const fee = platformFeeMinor === undefined ? {} : { platform_fee_amount: platformFeeMinor };
    await this.change(scope, execution, {
      send: (tilled, id) => tilled.capturePaymentIntent(id, { amount_to_capture: amountMinor, ...fee }),
      // On its way counts: it cannot be taken again.
      done: ['succeeded', 'processing'],
      resend: 'whenQuiet',
    });
  }

  /** Releases what was held, or closes what failed so that nobody can pay it any more. */
  async cancel(scope: Scope, execution: Execution): Promise<void> {
    const { isClosing = false } = (execution.payload ?? {}) as Partial<ClosingPayload>;
    const reason = isClosing ? CLOSING_REASON : 'requested_by_customer';
    await this.change(scope, execution, {
      send: (tilled, id) => tilled.cancelPaymentIntent(id, { cancellation_reason: reason }),
      done: ['canceled'],
      resend: 'atOnce',
    });
  }

  private async change(scope: Scope, execution: Execution, { send, done, resend }: IntentChange): Promise<void> {
    const payment = await PaymentRepository.of(scope).get(execution.subject);
    const id = payment.tilledPaymentIntentId;
    if (id === null) throw new Error(`Payment ${payment.id} is not at Tilled.`);
    const intent = await this.parts.recorder.recordingUnknown(scope, execution, () =>
      changeOnce<TilledPaymentIntent>(execution, {
        send: () => this.parts.processor.send(scope, execution.lease, (tilled) => send(tilled, id)),
        read: () => this.parts.processor.ask(scope, (tilled) => tilled.getPaymentIntent(id)),
        isDone: (snapshot) => snapshot !== null && done.includes(snapshot.status),
        resend,
        recordRefused: (snapshot) => this.recordRefused(scope, payment.id, snapshot),
      }),
    );
    if (intent !== null) await this.parts.recorder.record(scope, execution, { intent, seenVersion: payment.version });
  }

  /** Throws OutcomeUnknown for what failed and may still be paid: its order is free only once it is canceled. */
  private async recordRefused(scope: Scope, id: string, snapshot: TilledPaymentIntent): Promise<void> {
    const isToBeClosed = await scope.transaction(async (tx) => {
      const payment = await PaymentRepository.of(tx).lock(id);
      await this.parts.mirror.recordOn(tx, payment, snapshot);
      return OVER_STATUSES.includes(payment.status) && payment.referenceHeld !== null;
    });
    if (isToBeClosed) throw new OutcomeUnknown();
  }
}
