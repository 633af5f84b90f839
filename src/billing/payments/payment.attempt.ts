import type { Doubt } from '../../platform/idempotency/mutation.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { PaymentStatus } from './payment.states.js';

/**
 * How a payment is taken, as data: what Tilled shows of its one intent, and what may still come of confirms that were
 * not answered, decide the next step (docs/decisions/0001). Only a decline that answers the only confirm is
 * final by itself; after a confirm without an answer the intent is canceled and read back before anybody is told that
 * the payment failed.
 */

/** The reason with which an attempt cancels its intent, so that nothing that is still on its way can take money. */
export const CLOSING_REASON = 'abandoned';

/** What Tilled shows of an intent. */
export type IntentProgress =
  /** Nobody has tried it, or nothing of a try is to be seen yet. */
  | 'unconfirmed'
  /** A try was declined. */
  | 'declined'
  /** Tried and not paid, without a word why: no outcome at all. */
  | 'unpaid'
  /** Ended for good, without money. */
  | 'canceled'
  /** Money was taken or held, is on its way, or waits for the cardholder. */
  | 'taken';

/** What to do next about it. */
export type AttemptStep =
  /** Ask Tilled to take it. */
  | 'confirm'
  /** Nothing but to look again later: what was sent may still be carried out. */
  | 'wait'
  /** Cancel the intent and read it back, so that nothing that is still on its way can take money. */
  | 'close'
  /** What is shown is the outcome. */
  | 'settle';

/** What may come of unanswered confirms: there is none; there is one, under way or dead; or there are several. */
export type UnansweredConfirms = 'answered' | 'oneUnderWay' | 'oneOver' | 'someUnderWay' | 'someOver';

/** The next step, by what Tilled shows of the intent and by what may still come of confirms. */
export const NEXT_STEP: Readonly<Record<IntentProgress, Readonly<Record<UnansweredConfirms, AttemptStep>>>> = {
  unconfirmed: { answered: 'confirm', oneUnderWay: 'wait', oneOver: 'confirm', someUnderWay: 'wait', someOver: 'confirm' },
  // The decline of the only confirm shows that it was carried out. Of several, another may be under way.
  declined: { answered: 'settle', oneUnderWay: 'close', oneOver: 'close', someUnderWay: 'wait', someOver: 'close' },
  unpaid: { answered: 'close', oneUnderWay: 'wait', oneOver: 'close', someUnderWay: 'wait', someOver: 'close' },
  canceled: { answered: 'settle', oneUnderWay: 'wait', oneOver: 'settle', someUnderWay: 'wait', someOver: 'settle' },
  taken: { answered: 'settle', oneUnderWay: 'settle', oneOver: 'settle', someUnderWay: 'settle', someOver: 'settle' },
};

/** What Tilled shows of an intent. */
export function progressOf({ status, last_payment_error: error }: TilledPaymentIntent): IntentProgress {
  switch (status) {
    case 'requires_confirmation':
      return 'unconfirmed';
    case 'requires_payment_method':
      return error === null ? 'unpaid' : 'declined';
    case 'canceled':
      return 'canceled';
    case 'requires_action':
    case 'processing':
    case 'requires_capture':
    case 'succeeded':
      return 'taken';
  }
}

/** What may still come of confirms, of which so many may have been sent and were not answered. */
export function unansweredConfirms(doubt: Doubt, sends: number): UnansweredConfirms {
  if (doubt === 'none') return 'answered';
  if (sends <= 1) return doubt === 'underWay' ? 'oneUnderWay' : 'oneOver';
  return doubt === 'underWay' ? 'someUnderWay' : 'someOver';
}

/** States of a payment whose attempt has not ended. */
const OPEN_STATUSES: readonly PaymentStatus[] = [PaymentStatus.PENDING, PaymentStatus.UNKNOWN];

/** Whether only the attempt itself may say that a payment failed: it is one we take, and has not ended. */
export function isAttemptOpen(payment: { readonly id: string; readonly status: PaymentStatus }, markedId: string | null): boolean {
  return markedId === payment.id && OPEN_STATUSES.includes(payment.status);
}
