import type { Processor } from './billing/kit/processor.js';
import { MissedPaymentService } from './billing/payments/missed-payment.service.js';
import { PaymentChanges } from './billing/payments/payment.changes.js';
import { PaymentMirror } from './billing/payments/payment.mirror.js';
import { PaymentRecorder } from './billing/payments/payment.recorder.js';
import { PaymentSender } from './billing/payments/payment.sender.js';
import { PaymentService } from './billing/payments/payment.service.js';
import type { SubscriptionMirror } from './billing/subscriptions/subscription.mirror.js';
import type { Clock } from './platform/clock.js';
import type { Intents } from './platform/idempotency/intents.js';
import type { Ids } from './platform/ids.js';
import type { Jobs } from './platform/jobs/jobs.js';

/** What payments are made of. */
interface PaymentTools {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Taking payments, and what subscriptions missed. */
export function composePayments(tools: PaymentTools, subscriptions: SubscriptionMirror) {
  const mirror = new PaymentMirror({ ...tools, subscriptions });
  const recorder = new PaymentRecorder({ ...tools, mirror });
  const sender = new PaymentSender({ ...tools, recorder });
  const payments = new PaymentService({ ...tools, sender, changes: new PaymentChanges({ ...tools, mirror, recorder }) });
  return { paymentMirror: mirror, payments, missedPayments: new MissedPaymentService({ ...tools, subscriptions, mirror }) };
}
