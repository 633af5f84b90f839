import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { INVARIANTS } from '../../src/backoffice/reconciliation/invariants.js';
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
};

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
    expect(await world.gateway.verifyBooks()).toEqual({ checked: INVARIANTS.length, violations: [] });
  });

  it('knows how to break every invariant but the one the database keeps itself', () => {
    expect(Object.keys(BREAKAGES).sort()).toEqual(
      INVARIANTS.map((invariant) => invariant.name)
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
});
