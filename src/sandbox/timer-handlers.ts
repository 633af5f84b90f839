import type { TimerHandlers } from './engine.js';
import { runBatch } from './resources/charges.js';
import { expireScheduledSession } from './resources/checkout-sessions.js';
import { decideDispute, loseDispute, openScheduledDispute } from './resources/disputes.js';
import { expireAction } from './resources/payment-actions.js';
import { expireAuthorization, settlePayment } from './resources/payment-flow.js';
import { settleRefund } from './resources/refunds.js';
import { chargeSubscription } from './resources/subscription-billing.js';
import { cancelScheduled, pauseScheduled, resumeScheduled } from './resources/subscription-changes.js';

/** What happens by itself, when its time has come. */
export const timerHandlers: TimerHandlers = {
  'authorization.expire': expireAuthorization,
  'action.expire': expireAction,
  'bank.settle': settlePayment,
  'refund.settle': (engine, refundId) => settleRefund(engine, refundId, null),
  batch: (engine) => void runBatch(engine),
  'dispute.open': openScheduledDispute,
  'dispute.decide': decideDispute,
  'dispute.lose': loseDispute,
  'subscription.cancel': cancelScheduled,
  'subscription.pause': pauseScheduled,
  'subscription.resume': resumeScheduled,
  'subscription.charge': chargeSubscription,
  'checkout.expire': expireScheduledSession,
};
