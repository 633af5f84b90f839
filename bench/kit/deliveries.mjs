import { createHmac } from 'node:crypto';
import { ACCOUNT, SECRET } from './stage.mjs';

const WEBHOOKS = '/api/billing/webhooks';
let made = 0;

/**
 * Signed deliveries of an account without end. `again` is the share, from 0 to 1, that repeats one of the last 200 events, or, with
 * `series`, that is the next event of this name: whoever delivers the same series delivers the same events.
 * @param {{ again?: number, accountId?: string, series?: string }} options
 * @returns {Generator<import('./load.mjs').Request, never>}
 */
export function* deliveries({ again = 0, accountId = ACCOUNT, series } = {}) {
  const recent = [];
  for (let told = 0; ; ) {
    const isAgain = Math.random() < again;
    const known = isAgain && series === undefined ? recent[Math.floor(Math.random() * recent.length)] : undefined;
    const id = isAgain && series !== undefined ? `evt_${series}_${told++}` : `evt_${process.pid}_${made++}`;
    const body = known ?? eventBody(id, accountId);
    if (known === undefined) recent[made % 200] = body;
    yield { method: 'POST', path: WEBHOOKS, ...signed(body) };
  }
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
