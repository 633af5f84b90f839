import type { Scope } from '../platform/tenancy/scope.js';
import { type PreflightParts, publicUrlOf } from './parts.js';
import { OPERATIONS, type SmokeClient } from './smoke.client.js';
import { rowsOf } from './smoke.rest.js';

/**
 * The payment of a subscription that is paid, as the database has it: looking there costs none of the app's requests,
 * so that a second smoke test of the same quarter of an hour has some left. Null while there is none; throws if it
 * failed.
 */
export async function chargeOf(scope: Scope, subscriptionId: string): Promise<string | null> {
  const sql = 'select id, status from billing_payments where app_id = ? and subscription_id = ?';
  const [payment] = await scope.db.query(sql, [scope.appId, subscriptionId]);
  const [subscription] = await rowsOf(scope, 'billing_subscriptions', subscriptionId);
  if (payment?.status === 'FAILED') throw new Error(`The charge ${String(payment.id)} failed.`);
  return payment?.status === 'SUCCEEDED' && subscription?.status === 'ACTIVE' ? String(payment.id) : null;
}

/** Throws unless clients see that payment with its subscription. */
export async function assertPaid(client: SmokeClient, subscriptionId: string, paymentId: string): Promise<void> {
  const { field } = await client.ask(OPERATIONS.subscription, { id: subscriptionId });
  const { nodes } = field['payments'] as { nodes: { id: string; status: string }[] };
  if (!nodes.some(({ id, status }) => id === paymentId && status === 'SUCCEEDED'))
    throw new Error(`The gateway does not show the payment ${paymentId}.`);
}

/** Why no payment of a subscription is recorded: what Tilled did, and whether its webhooks arrive. */
export async function missingCharge(parts: PreflightParts, scope: Scope, subscriptionId: string): Promise<string> {
  const [row] = await rowsOf(scope, 'billing_subscriptions', subscriptionId);
  const { items } = await parts.processor.ask(scope, (tilled) => tilled.listPaymentIntents({ limit: 100, offset: 0 }));
  const charge = items.find(({ subscription_id: of }) => of !== null && of === row?.tilled_subscription_id);
  if (charge === undefined) return 'Tilled has not charged the subscription.';
  const atTilled = `At Tilled the charge ${charge.id} is ${charge.status}`;
  const sql = 'select count(*) as arrived from billing_webhooks where app_id = ? and received_at >= ?';
  const [counted] = await scope.db.query(sql, [scope.appId, row?.created_at]);
  const arrived = Number(counted?.arrived);
  const endpoint = `${publicUrlOf(parts)}/api/billing/webhooks`;
  if (arrived === 0)
    return `${atTilled}, and no webhook has arrived since: see that Tilled reaches ${endpoint} (billing webhooks endpoints --app ${scope.appId}).`;
  return `${atTilled}. ${arrived} webhooks arrived since, and none of it was handled: see billing jobs list, and the log of the worker.`;
}
