import { monotonicFactory } from 'ulid';

/** What every payer has. */
const SUBSCRIPTIONS_EACH = 10;
const PAYMENTS_EACH = 20;
const ROWS_A_STATEMENT = 500;

const next = monotonicFactory();
const BEGAN = Date.parse('2025-01-01T00:00:00Z');

/**
 * Fills an app with payers of 10 subscriptions, 2 cards and 20 payments each; the same for all contestants.
 * @param {import('mysql2/promise').Connection} connection
 * @param {string} appId
 * @param {number} payments
 * @returns {Promise<string[]>} ids of its customers
 */
export async function fill(connection, appId, payments) {
  let tick = 0;
  const id = (prefix) => `${prefix}_${next(BEGAN + tick++).toLowerCase()}`;
  const customers = [];
  const writers = { customers: writer(connection, TABLES.customers), methods: writer(connection, TABLES.methods) };
  const later = { subscriptions: writer(connection, TABLES.subscriptions), payments: writer(connection, TABLES.payments) };
  for (let index = 0; index * PAYMENTS_EACH < payments; index += 1) {
    const at = new Date(BEGAN + index * 1000);
    const customer = id('cus');
    customers.push(customer);
    const [first, second] = [id('pm'), id('pm')];
    const subscriptions = Array.from({ length: SUBSCRIPTIONS_EACH }, () => id('sub'));
    await writers.customers.add([
      appId,
      customer,
      1,
      `ext-${customer}`,
      `${index}@example.com`,
      `Ann Lee ${index}`,
      '{}',
      `t-${customer}`,
      null,
      at,
      at,
    ]);
    for (const [method, isDefault] of [
      [first, true],
      [second, false],
    ])
      await writers.methods.add([
        appId,
        method,
        customer,
        `t-${method}`,
        'CARD',
        'visa',
        '4242',
        12,
        2039,
        null,
        null,
        isDefault ? customer : null,
        at,
        at,
        null,
      ]);
    for (const subscription of subscriptions)
      await later.subscriptions.add([
        ...[appId, subscription, 1, customer, first, `t-${subscription}`, 'ACTIVE', 'pro', 'Pro plan', 1990, 'usd', 'MONTH', 1],
        ...[at, at, at, at, 0, null, null, null, null, '{"seats":"3"}', at, at],
      ]);
    for (let count = 0; count < PAYMENTS_EACH; count += 1) {
      const payment = id('pay');
      await later.payments.add([
        ...[
          appId,
          payment,
          3,
          customer,
          first,
          subscriptions[count % SUBSCRIPTIONS_EACH],
          `t-${payment}`,
          'SUCCEEDED',
          'AUTOMATIC',
          1990,
          'usd',
        ],
        ...[1990, 0, 0, null, 'Monthly payment', null, null, '{}', at, at],
      ]);
    }
    // Parents before children, in statements of many rows.
    if (later.payments.isFull())
      for (const each of [writers.customers, writers.methods, later.subscriptions, later.payments]) await each.flush();
  }
  for (const each of [writers.customers, writers.methods, later.subscriptions, later.payments]) await each.flush();
  return customers;
}

const TABLES = {
  customers:
    'billing_customers (app_id, id, version, external_id, email, name, metadata, tilled_customer_id, deleted_at, created_at, updated_at)',
  methods:
    'billing_payment_methods (app_id, id, customer_id, tilled_payment_method_id, type, brand, last4, exp_month, exp_year, bank_name, bank_last, default_of, created_at, updated_at, detached_at)',
  subscriptions:
    'billing_subscriptions (app_id, id, version, customer_id, payment_method_id, tilled_subscription_id, status, plan_code, plan_name, price_minor, currency, interval_unit, interval_count, billing_cycle_anchor, current_period_start, current_period_end, next_payment_at, cancel_at_period_end, cancel_at, canceled_at, paused_at, resume_at, metadata, created_at, updated_at)',
  payments:
    'billing_payments (app_id, id, version, customer_id, payment_method_id, subscription_id, tilled_payment_intent_id, status, capture_method, amount_minor, currency, captured_minor, refunded_minor, refund_reserved_minor, reference_id, description, failure_code, failure_message, metadata, created_at, updated_at)',
};

function writer(connection, table) {
  let rows = [];
  return {
    add: async (row) => void rows.push(row),
    isFull: () => rows.length >= ROWS_A_STATEMENT,
    flush: async () => {
      if (rows.length > 0) await connection.query(`insert into ${table} values ?`, [rows]);
      rows = [];
    },
  };
}

/**
 * Tables as a tutorial has them, with the same rows: one key each, links by id, no tenancy.
 * @param {import('mysql2/promise').Connection} connection
 * @param {string} from database of the billing tables
 * @param {string} to database to make the tables in
 */
export async function copyForTutorial(connection, from, to) {
  await connection.query(`create database ${to} character set utf8mb4 collate utf8mb4_bin`);
  for (const [name, indexes] of [
    ['customers', 'add index (app_id, id)'],
    ['payment_methods', 'add index (customer_id)'],
    ['subscriptions', 'add index (customer_id)'],
    ['payments', 'add index (customer_id)'],
  ]) {
    await connection.query(`create table ${to}.${name} as select * from ${from}.billing_${name}`);
    await connection.query(`alter table ${to}.${name} add primary key (id), ${indexes}`);
  }
  await connection.query(`create table ${to}.webhooks (
    id varchar(64) not null primary key, event_id varchar(64) not null unique, app_id varchar(64) not null, type varchar(64) not null,
    status varchar(16) not null, payload mediumtext not null, received_at datetime(3) not null)`);
}
