import { createHmac } from 'node:crypto';
import { ACCOUNT, SECRET } from './stage.mjs';

export const WEBHOOKS = '/api/billing/webhooks';
let made = 0;

/**
 * Signed deliveries of an account, each made when it is sent. `again` is the share, from 0 to 1, that repeats one of the last 200 events.
 * @param {{ again?: number, accountId?: string }} options
 */
export function deliveries({ again = 0, accountId = ACCOUNT } = {}) {
  const recent = [];
  const next = () => {
    if (recent.length > 0 && Math.random() < again) return recent[Math.floor(Math.random() * recent.length)];
    const body = eventBody(`evt_${process.pid}_${made++}`, accountId);
    recent[made % 200] = body;
    return body;
  };
  return [
    {
      method: 'POST',
      path: WEBHOOKS,
      setupRequest: (request) => ({ ...request, ...signed(next() ?? eventBody(`evt_${process.pid}_${made++}`, accountId)) }),
    },
  ];
}

/** One delivery about each of these customers of an account. */
export function deliveriesAbout(customerIds, accountId) {
  return customerIds.map((id) => {
    const event = {
      id: `evt_${process.pid}_${made++}`,
      account_id: accountId,
      type: 'customer.updated',
      created_at: new Date().toISOString(),
    };
    return { method: 'POST', path: WEBHOOKS, ...signed(JSON.stringify({ ...event, data: { id, account_id: accountId } })) };
  });
}

function signed(body) {
  const timestamp = Date.now();
  const digest = createHmac('sha256', SECRET).update(`${timestamp}.`).update(body).digest('hex');
  return { body, headers: { 'content-type': 'application/json', 'tilled-signature': `t=${timestamp},v1=${digest}` } };
}

/** An event of 1.5 kB about an object of its own. */
function eventBody(id, accountId) {
  const data = {
    id: `sub_${id}`,
    account_id: accountId,
    customer_id: 'cus_0000000000000000000000000',
    payment_method_id: 'pm_0000000000000000000000000',
    status: 'active',
    price: 1990,
    currency: 'usd',
    interval_unit: 'month',
    interval_count: 1,
    metadata: { billing_app_id: 'bench0', note: 'x'.repeat(900) },
  };
  return JSON.stringify({ id, account_id: accountId, type: 'subscription.updated', created_at: new Date().toISOString(), data });
}
