import mysql from 'mysql2/promise';

/** The queries of the peers that write their SQL by hand, as prepared statements on a pool of the size that was best on two cores. */
export const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 10, timezone: 'Z', supportBigNumbers: true });
export const APP = process.env.APP_ID ?? '';

const SUBSCRIPTION = 'id, customer_id, status, plan_code, price_minor, currency, interval_unit, interval_count, current_period_end';
const PAYMENT = 'id, customer_id, status, amount_minor, captured_minor, refunded_minor, currency, description, created_at';

export async function customerById(id) {
  const [rows] = await pool.execute(
    'select id, email, name, created_at from billing_customers where app_id = ? and id = ? and deleted_at is null',
    [APP, id],
  );
  return rows[0] ?? null;
}

/** A page of customers, newest first, after the one that the cursor names. */
export async function customersAfter(cursor, count) {
  const after = cursor ? idOfCursor(cursor) : '~';
  const [rows] = await pool.execute(
    `select id, email, name, created_at from billing_customers where app_id = ? and id < ? and deleted_at is null order by id desc limit ${Number(count)}`,
    [APP, after],
  );
  return rows;
}

/** Cursors as the gateway makes them, so that all contestants are asked the same. */
export const idOfCursor = (cursor) => Buffer.from(cursor, 'base64url').toString('utf8').slice(3);

export async function defaultMethodOf(customerId) {
  const [rows] = await pool.execute(
    'select id, type, brand, last4, exp_month, exp_year from billing_payment_methods where app_id = ? and default_of = ?',
    [APP, customerId],
  );
  return rows[0] ?? null;
}

export async function subscriptionsOf(customerId, first) {
  const [rows] = await pool.execute(
    `select ${SUBSCRIPTION} from billing_subscriptions where app_id = ? and customer_id = ? order by id desc limit ${Number(first)}`,
    [APP, customerId],
  );
  return rows;
}

/** Of many customers in one statement, grouped by customer; each has few. */
export async function subscriptionsOfAll(customerIds, first) {
  const [rows] = await pool.execute(
    `select ${SUBSCRIPTION} from billing_subscriptions where app_id = ? and customer_id in (${customerIds.map(() => '?').join(', ')}) order by customer_id, id desc`,
    [APP, ...customerIds],
  );
  const groups = new Map(customerIds.map((id) => [id, []]));
  for (const row of rows) if ((groups.get(row.customer_id)?.length ?? first) < first) groups.get(row.customer_id)?.push(row);
  return customerIds.map((id) => groups.get(id) ?? []);
}

export async function paymentsOf(customerId, first) {
  const [rows] = await pool.execute(
    `select ${PAYMENT} from billing_payments where app_id = ? and customer_id = ? order by id desc limit ${Number(first)}`,
    [APP, customerId],
  );
  return rows;
}

export const money = (amountMinor, currency) => ({ amountMinor, currency, decimal: (amountMinor / 100).toFixed(2) });

export const shownCustomer = (row) => ({ id: row.id, email: row.email, name: row.name, createdAt: row.created_at.toISOString() });

export const shownMethod = (row) =>
  row && { id: row.id, type: row.type, brand: row.brand, last4: row.last4, expMonth: row.exp_month, expYear: row.exp_year };

export const shownSubscription = (row) => ({
  id: row.id,
  status: row.status,
  planCode: row.plan_code,
  price: money(row.price_minor, row.currency),
  intervalUnit: row.interval_unit,
  intervalCount: row.interval_count,
  currentPeriodEnd: row.current_period_end.toISOString(),
});

export const shownPayment = (row) => ({
  id: row.id,
  status: row.status,
  amount: money(row.amount_minor, row.currency),
  captured: money(row.captured_minor, row.currency),
  refunded: money(row.refunded_minor, row.currency),
  description: row.description,
  createdAt: row.created_at.toISOString(),
});
