import type { Database } from '../../platform/db/database.js';
import { parentages } from '../../platform/db/tenancy.check.js';

/** Something that must hold of every app's books at every moment, as a query for what breaks it. */
interface Invariant {
  readonly name: string;
  readonly sentence: string;
  /** Rows (app_id, id) that break it; none when all is well. */
  readonly sql: string;
}

/** A row that breaks an invariant. */
export interface Violation {
  readonly invariant: string;
  readonly sentence: string;
  readonly appId: string;
  readonly id: string;
}

const SHOWN_MAX = 100;

const hasJob = (row: string, ...kinds: readonly string[]): string =>
  `exists (select 1 from billing_jobs j where j.app_id = ${row}.app_id and j.subject = ${row}.id and j.kind in (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;

/** A row's status is where its transitions lead: it was entered once more often than left, or is the first. */
const ledTo = (table: string, start: string): string => `select r.app_id, r.id from ${table} r
  where (select count(*) from billing_events e where e.app_id = r.app_id and e.object_id = r.id and e.to_status = r.status)
    - (select count(*) from billing_events e where e.app_id = r.app_id and e.object_id = r.id and e.from_status = r.status)
    <> case when r.status = '${start}' then 0 else 1 end`;

/** Keys of creations that remember an error, and whose row was made at Tilled all the same. */
const refusedYetMade = (operation: string, table: string, isMade: string): string =>
  `select k.app_id, k.id from billing_idempotency_keys k join ${table} r on r.app_id = k.app_id and r.id = k.resource_id
    where k.operation = '${operation}' and k.state = 'done' and k.errors <> '[]' and ${isMade}`;

/** Holders of a reference not theirs, or that are over; and what is not over though nobody holds its reference. */
const holdsWrongly = (table: string, mayStillHold: string): string =>
  `select p.app_id, p.id from ${table} p where p.reference_held is not null
    and (p.reference_id is null or p.reference_held <> p.reference_id or (p.status in ('FAILED', 'CANCELED') and not (${mayStillHold})))
  union all select p.app_id, p.id from ${table} p where p.reference_id is not null and p.reference_held is null and p.status not in ('FAILED', 'CANCELED')
    and not exists (select 1 from ${table} o where o.app_id = p.app_id and o.reference_held = p.reference_id)`;

/** The nouns that count the events of their rows. */
const TOLD_TABLES = [
  ...['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes', 'divergences'],
  'webhook_endpoints',
].map((noun) => `billing_${noun}`);

/** Rows that have had another number of events than their last one has. */
const numberedOtherwise = (table: string): string => ` union all select r.app_id, r.id from ${table} r join
  (select app_id, object_id, max(sequence) as last from billing_app_events group by app_id, object_id) e
  on e.app_id = r.app_id and e.object_id = r.id where e.last <> r.event_sequence`;

const refundsOf = (statuses: string): string =>
  `coalesce((select sum(r.amount_minor) from billing_refunds r where r.app_id = p.app_id and r.payment_id = p.id and r.status in (${statuses})), 0)`;

/** What `billing verify` and every test world check besides foreign keys. The SQL is what the three databases share. */
const INVARIANTS: readonly Invariant[] = [
  {
    name: 'refunds-within-capture',
    sentence: 'A payment gives back at most what it captured, and captures at most what it asked for.',
    sql: 'select p.app_id, p.id from billing_payments p where p.refunded_minor > p.captured_minor or p.captured_minor > p.amount_minor',
  },
  {
    name: 'refunded-is-the-sum',
    sentence: "A payment's refunded amount is the sum of its refunds that succeeded, and all of it where Tilled gave back more.",
    sql: `select p.app_id, p.id from billing_payments p where p.refunded_minor <> ${refundsOf("'SUCCEEDED'")}
      and (p.refunded_minor <> p.amount_minor or ${refundsOf("'SUCCEEDED'")} < p.amount_minor)`,
  },
  {
    name: 'reserved-is-the-sum',
    sentence: "A payment's reserved amount is the sum of its refunds that did not fail.",
    sql: `select p.app_id, p.id from billing_payments p where p.refund_reserved_minor <> ${refundsOf("'SUCCEEDED', 'PENDING', 'UNKNOWN', 'REQUIRES_ACTION'")}`,
  },
  {
    name: 'one-default',
    sentence: 'A customer with attached payment methods has exactly one default, and it is attached.',
    sql: `select m.app_id, m.customer_id as id from billing_payment_methods m where m.detached_at is null
      group by m.app_id, m.customer_id having sum(case when m.default_of = m.customer_id then 1 else 0 end) <> 1`,
  },
  {
    name: 'taken-at-tilled',
    sentence: 'A payment or refund that moved money has an id at Tilled.',
    sql: `select p.app_id, p.id from billing_payments p where p.tilled_payment_intent_id is null and (p.captured_minor > 0 or p.status = 'SUCCEEDED')
      union all select r.app_id, r.id from billing_refunds r where r.tilled_refund_id is null and r.status = 'SUCCEEDED'`,
  },
  {
    name: 'same-customer',
    sentence: 'A refund, and a payment of a subscription, belong to the customer of what they are about.',
    sql: `select r.app_id, r.id from billing_refunds r join billing_payments p on p.app_id = r.app_id and p.id = r.payment_id where p.customer_id <> r.customer_id
      union all select p.app_id, p.id from billing_payments p join billing_subscriptions s on s.app_id = p.app_id and s.id = p.subscription_id
        where s.customer_id <> p.customer_id`,
  },
  {
    name: 'no-event-without-work',
    sentence: 'An event that waits is about to be queued, or has a job that will handle it.',
    sql: `select w.app_id, w.id from billing_webhooks w where w.status in ('RECEIVED', 'FAILED') and w.unqueued_since is null and not exists
      (select 1 from billing_jobs j where j.app_id = w.app_id and j.subject = w.object_id and j.kind = concat('sync.', w.object_kind))`,
  },
  {
    name: 'no-intent-without-work',
    sentence: 'What was asked for and is not settled has a job that will find out.',
    sql: `select p.app_id, p.id from billing_payments p where p.subscription_id is null and p.status in ('PENDING', 'UNKNOWN')
        and not ${hasJob('p', 'paymentCreate', 'paymentCapture', 'paymentCancel')}
      union all select r.app_id, r.id from billing_refunds r where r.tilled_refund_id is null and r.status in ('PENDING', 'UNKNOWN') and not ${hasJob('r', 'refundCreate')}
      union all select s.app_id, s.id from billing_subscriptions s where s.tilled_subscription_id is null and s.status <> 'CANCELED' and not ${hasJob('s', 'subscriptionCreate')}
      union all select c.app_id, c.id from billing_customers c where c.tilled_customer_id is null and c.deleted_at is null and not ${hasJob('c', 'customerCreate')}`,
  },
  {
    name: 'open-key-has-work',
    sentence: 'A key whose outcome is not known yet has a job that will find out.',
    sql: `select k.app_id, k.id from billing_idempotency_keys k where k.state = 'open' and not exists
      (select 1 from billing_jobs j where j.app_id = k.app_id and j.subject = k.resource_id and j.kind = k.operation)`,
  },
  {
    name: 'keys-agree-with-rows',
    sentence: 'A key of a creation remembers no failure of what was made at Tilled all the same.',
    sql: [
      refusedYetMade('customerCreate', 'billing_customers', 'r.tilled_customer_id is not null'),
      refusedYetMade('subscriptionCreate', 'billing_subscriptions', 'r.tilled_subscription_id is not null'),
      refusedYetMade('refundCreate', 'billing_refunds', "r.tilled_refund_id is not null and r.status not in ('FAILED', 'CANCELED')"),
      refusedYetMade('paymentCreate', 'billing_payments', "r.status in ('SUCCEEDED', 'REQUIRES_CAPTURE', 'REQUIRES_ACTION', 'PROCESSING')"),
    ].join(' union all '),
  },
  {
    name: 'references-are-held',
    sentence:
      'What took or gave the money of its reference, or may still do so, holds that reference, or another one does; what is over holds none, unless it is being closed at Tilled.',
    sql: [
      holdsWrongly('billing_payments', `p.status = 'FAILED' and ${hasJob('p', 'paymentCancel')}`),
      holdsWrongly('billing_refunds', '1 = 0'),
    ].join(' union all '),
  },
  {
    name: 'collected-with-a-method',
    sentence: 'A subscription that will be collected has a payment method that is attached.',
    sql: `select s.app_id, s.id from billing_subscriptions s join billing_payment_methods m on m.app_id = s.app_id and m.id = s.payment_method_id
      where s.status in ('PENDING', 'ACTIVE', 'PAST_DUE', 'PAUSED') and s.cancel_at_period_end = 0 and m.detached_at is not null`,
  },
  {
    name: 'endings-are-under-way',
    sentence: 'What is marked as being detached or deleted has a job that ends it, and has not ended.',
    sql: `select m.app_id, m.id from billing_payment_methods m where m.detaching_at is not null
        and (m.detached_at is not null or not ${hasJob('m', 'paymentMethodDetach')})
      union all select c.app_id, c.id from billing_customers c where c.deleting_at is not null
        and (c.deleted_at is not null or not ${hasJob('c', 'customerDelete')})`,
  },
  {
    name: 'transitions-lead-to-status',
    sentence: 'Every change of status was written down once: the transitions of an object lead to the status it has.',
    sql: [
      ...['billing_payments', 'billing_refunds', 'billing_subscriptions'].map((table) => ledTo(table, 'PENDING')),
      // A dispute begins in whatever state it was first seen in: its first transition leads there from NEW.
      ledTo('billing_disputes', 'NEW'),
    ].join(' union all '),
  },
  {
    name: 'events-are-numbered',
    sentence: 'The events of an object have numbers without gaps, as far back as they are kept, up to the number of its row.',
    sql: `select e.app_id, e.object_id as id from billing_app_events e group by e.app_id, e.object_id
      having count(*) <> max(e.sequence) - min(e.sequence) + 1${TOLD_TABLES.map(numberedOtherwise).join('')}`,
  },
  {
    name: 'events-are-in-order',
    sentence:
      'Events have places without gaps or none yet, but for tests of endpoints, and none comes before an event of its object with a lower number.',
    sql: `select e.app_id, e.id from billing_app_events e where (e.position is null and e.unpublished_since is null and e.object_id not like 'wd%')
      or (e.position is not null and e.unpublished_since is not null)
      union all select e.app_id, e.id from billing_app_events e join billing_app_events n
        on n.app_id = e.app_id and n.object_id = e.object_id and n.sequence = e.sequence + 1
        where n.position is not null and (e.position is null or e.position > n.position)
      union all select e.app_id, min(e.id) from billing_app_events e where e.position is not null
        group by e.app_id having count(*) <> max(e.position) - min(e.position) + 1`,
  },
];

/** Rows whose parent is gone, of every foreign key: only who switched the keys off can have made them. */
async function orphans(database: Database): Promise<Invariant> {
  const lost = (await parentages(database)).map(({ table, columns, parent, refersTo }) => {
    const pairs = columns.map((column, index) => `p.${refersTo[index]} = c.${column}`).join(' and ');
    const given = columns.map((column) => `c.${column} is not null`).join(' and ');
    return `select c.app_id, c.id from ${table} c where ${given} and not exists (select 1 from ${parent} p where ${pairs})`;
  });
  return { name: 'rows-have-parents', sentence: 'Every row has the rows that it belongs to.', sql: lost.join(' union all ') };
}

/** All there are for this database: those that are written down, and the one that is made of its foreign keys. */
export async function invariantsOf(database: Database): Promise<readonly Invariant[]> {
  return [...INVARIANTS, await orphans(database)];
}

/** How many invariants were looked at, and what breaks them now, at most 100 rows of each; nothing is written. */
export async function findViolations(database: Database): Promise<{ readonly checked: number; readonly violations: readonly Violation[] }> {
  const violations: Violation[] = [];
  const invariants = await invariantsOf(database);
  for (const { name, sentence, sql } of invariants) {
    const rows = await database.query(`select app_id, id from (${sql}) as broken limit ${SHOWN_MAX}`, []);
    violations.push(...rows.map((row) => ({ invariant: name, sentence, appId: String(row.app_id), id: String(row.id) })));
  }
  return { checked: invariants.length, violations };
}
