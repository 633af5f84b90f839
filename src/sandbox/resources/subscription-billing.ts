import type { Engine } from '../engine.js';
import { attemptPayment } from './payment-flow.js';
import { addIntent } from './payment-intents.js';
import { nextPaymentAt, paymentOfSubscriptionFailed, putSubscription } from './subscription-changes.js';

/**
 * Takes the payment that is due. Paid or under way: active, and on to the next date of the cycle.
 * Declined: past_due with nothing scheduled, which the decline itself has done. Within a transaction.
 */
export function chargeSubscription(engine: Engine, subscriptionId: string): void {
  const subscription = engine.store.subscriptions.get(subscriptionId);
  if (subscription === undefined || subscription.next_payment_at === null) return;
  const account = engine.store.accounts.get(subscription.account_id);
  const method = engine.store.paymentMethods.get(subscription.payment_method_id);
  if (account === undefined || method === undefined) throw new Error(`subscription ${subscriptionId} lost its account or method`);
  const intent = addIntent(
    { engine, account },
    {
      amount: subscription.price,
      currency: subscription.currency,
      payment_method_types: [method.type],
      payment_method_id: method.id,
      customer_id: subscription.customer_id,
      subscription_id: subscription.id,
      metadata: subscription.metadata,
      occurrence_type: 'merchant_recurring',
      platform_fee_amount: subscription.platform_fee_amount,
    },
  );
  const tried = attemptPayment(engine, intent, method);
  if (tried.status !== 'succeeded' && tried.status !== 'processing') {
    // A decline has told the subscription already; a payer who is not there can do nothing either.
    if (tried.last_payment_error === null) paymentOfSubscriptionFailed(engine, subscription.id);
    return;
  }
  const next = nextPaymentAt(subscription, Date.parse(subscription.next_payment_at));
  putSubscription(engine, { ...subscription, status: 'active', has_been_paid: true, next_payment_at: next }, 'subscription.updated');
}
