import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { invariantsOf } from '../../src/backoffice/reconciliation/invariants.js';
import { parentages } from '../../src/platform/db/tenancy.check.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

/** What breaks each invariant; `refunds-within-capture` cannot be broken, because the database refuses to. */
const BREAKAGES: Readonly<Record<string, string>> = {
  'refunded-is-the-sum': "update billing_refunds set status = 'PENDING' where app_id = ?",
  'reserved-is-the-sum': 'update billing_payments set refund_reserved_minor = refund_reserved_minor + 1 where app_id = ?',
  'one-default': 'update billing_payment_methods set default_of = null where app_id = ?',
  'taken-at-tilled': 'update billing_payments set tilled_payment_intent_id = null where app_id = ?',
  'same-customer':
    "update billing_refunds set customer_id = (select min(c.id) from billing_customers c where c.app_id = billing_refunds.app_id and c.email = 'other@example.com') where app_id = ?",
  'no-event-without-work': "update billing_webhooks set status = 'RECEIVED' where app_id = ?",
  'no-intent-without-work': "update billing_payments set status = 'UNKNOWN' where app_id = ?",
  'open-key-has-work': "update billing_idempotency_keys set state = 'open' where app_id = ? and operation = 'paymentCreate'",
  'keys-agree-with-rows': `update billing_idempotency_keys set errors = '[{"code":"PROCESSOR_REJECTED"}]' where app_id = ?`,
  'references-are-held': 'update billing_payments set reference_held = null where app_id = ?',
  'collected-with-a-method': 'update billing_payment_methods set detached_at = created_at, default_of = null where app_id = ?',
  'endings-are-under-way': 'update billing_customers set deleting_at = created_at where app_id = ?',
  'transitions-lead-to-status': 'delete from billing_events where app_id = ?',
  'events-are-numbered': 'update billing_payments set event_sequence = event_sequence + 1 where app_id = ?',
  'events-are-in-order': 'update billing_app_events set unpublished_since = null, position = null where app_id = ?',
};

/** Broken only by who switches the foreign keys off: made of all of them. */
const ORPHANS = 'rows-have-parents';

describe('billing verify', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create();
  });
  afterAll(() => world.end());

  /** An app in whose books everything happened once. */
  async function busyApp(): Promise<TestApp> {
    const app = await world.app();
    const { customer } = await world.payer(app);
    await world.customer(app, { email: 'other@example.com' });
    const payment = await world.payment(app, customer.id, { idempotencyKey: 'payment', referenceId: 'order' });
    await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
    await world.subscription(app, customer.id);
    await world.advance({ days: 1 });
    return app;
  }

  it('finds nothing in books that were kept', async () => {
    await busyApp();
    const { length: checked } = await invariantsOf(world.gateway.database);
    expect(await world.gateway.verifyBooks()).toEqual({ checked, violations: [] });
  });

  it('knows how to break every invariant but the one the database keeps itself', async () => {
    expect([...Object.keys(BREAKAGES), ORPHANS].sort()).toEqual(
      (await invariantsOf(world.gateway.database))
        .map((invariant) => invariant.name)
        .filter((name) => name !== 'refunds-within-capture')
        .sort(),
    );
  });

  it.each(Object.entries(BREAKAGES))('finds a broken %s, and whose it is', async (name, sql) => {
    const app = await busyApp();
    await world.gateway.database.run(sql, [app.id]);
    const { violations } = await world.gateway.verifyBooks();
    expect(violations).toContainEqual(expect.objectContaining({ invariant: name, appId: app.id }));
  });

  it('finds the rows of every table whose parents are gone, whichever they are, and a reconciliation goes on', async () => {
    const links = (await parentages(world.gateway.database)).filter(({ parent }) => parent !== 'billing_apps');
    expect(links.length).toBeGreaterThan(10);
    const app = await busyApp();
    const [refund] = await world.rows('billing_refunds', app);
    const parents = [...new Set(links.map(({ parent }) => parent))];
    const held = await Promise.all(links.map(async (link) => ({ ...link, rows: await rowsWith(app, link.table, link.columns[1] ?? '') })));
    for (const parent of parents) await withoutForeignKeys(`delete from ${parent} where app_id = '${app.id}'`);
    const { violations } = await world.gateway.verifyBooks();
    const named = violations.filter(({ invariant, appId }) => invariant === ORPHANS && appId === app.id).map(({ id }) => id);
    const left = held.filter(({ table, rows }) => !parents.includes(table) && rows.length > 0);
    expect(left.map(({ table }) => table)).toContain('billing_refunds');
    for (const { rows } of left) for (const id of rows) expect(named).toContain(id);
    expect(await openAfterARun(app)).toContainEqual(orphaned(refund));
  });

  it('finds the refunds of payments that are gone, and a reconciliation goes on, and names them and the payments', async () => {
    const app = await busyApp();
    const [refund] = await world.rows('billing_refunds', app);
    const [payment] = (await world.rows('billing_payments', app)).filter(({ id }) => id === refund?.['payment_id']);
    await withoutForeignKeys(`delete from billing_payments where app_id = '${app.id}'`);
    const { violations } = await world.gateway.verifyBooks();
    expect(violations).toContainEqual(expect.objectContaining({ invariant: ORPHANS, appId: app.id, id: refund?.['id'] }));
    const open = await openAfterARun(app);
    expect(open).toContainEqual(orphaned(refund));
    expect(open).toContainEqual(expect.objectContaining({ class: 'MISSING_HERE', tilled_id: payment?.['tilled_payment_intent_id'] }));
  });

  const orphaned = (refund: Readonly<Record<string, unknown>> | undefined) =>
    expect.objectContaining({ kind: 'REFUND', object_id: refund?.['id'], status: 'OPEN', fields: expect.stringContaining('payment') });

  async function openAfterARun(app: TestApp): Promise<readonly unknown[]> {
    await world.advance({ days: 1 });
    const report = await world.gateway.reconciliation.run.runNow(await world.scope(app));
    expect(report.finishedAt).not.toBeNull();
    return (await world.rows('billing_divergences', app)).filter(({ status }) => status === 'OPEN');
  }

  async function rowsWith(app: TestApp, table: string, column: string): Promise<string[]> {
    const rows = await world.gateway.database.query(`select id from ${table} where app_id = ? and ${column} is not null`, [app.id]);
    return rows.map((row) => String(row['id']));
  }

  async function withoutForeignKeys(sql: string): Promise<void> {
    const { database } = world.gateway;
    if (database.isEmbedded) {
      for (const statement of ['pragma foreign_keys = off', sql, 'pragma foreign_keys = on']) await database.query(statement, []);
      return;
    }
    await database.statements(async (unit) => {
      for (const statement of ['set foreign_key_checks = 0', sql, 'set foreign_key_checks = 1']) await database.query(statement, [], unit);
    });
  }
});
