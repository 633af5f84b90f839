import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { cut, refuse } from '../support/at-tilled.js';
import { furnish } from '../support/furnish.js';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { billing, type Ending } from '../support/processes.js';
import { Receiver } from '../support/receiver.js';
import { rowsOfApp } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

const MASTERCARD = '5555555555554444';
const PERSON = {
  email: 'grace.hopper@example.com',
  name: 'Grace Brewster Hopper',
  externalId: 'crew-1906',
  metadata: { ship: 'USS-Wright' },
};
const SIGNS = ['grace.hopper', 'Grace', 'Hopper', 'crew-1906', 'USS-Wright', '4444', 'Pier 7'];
/** Ids are random, and may have these digits amid others. */
const holds = (text: string, sign: string) => new RegExp(`(?<![\\w-])${sign}${/^\d+$/.test(sign) ? '(?!\\w)' : ''}`).test(text);

let world: World;
let app: TestApp;
/** Answers with what it was told of the person. */
let receiver: Receiver;

beforeAll(async () => {
  world = await World.create();
  receiver = await Receiver.start(({ body }, response) => void response.end(SIGNS.filter((sign) => holds(body, sign)).join(', ')));
});
beforeEach(async () => {
  app = await world.app();
});
// One difference is furnished.
afterEach(() => world.control('faults', { clear: true }));
afterAll(async () => {
  await receiver.close();
  await world.close({ divergences: 1 });
});

/**
 * A person with a card, a payment, a part of it refunded, a dispute, a refused request about them, a difference at Tilled that somebody
 * dealt with, and an event that waits until it is known which of the account's two apps it is for.
 */
async function grace() {
  await world.gateway.access.createApp({ id: `${app.id}-b`, name: 'Sharing', tilledAccountId: app.accountId });
  await listen(world, app, receiver);
  const customer = await world.customer(app, PERSON);
  await renamedAtTilled(customer.id);
  const tilledPaymentMethodId = await world.newCard(app, MASTERCARD);
  await world.tilled(app, 'PATCH', `/v1/payment-methods/${tilledPaymentMethodId}`, { nick_name: 'Pier 7' });
  await world.settle();
  const card = await world.card(app, customer.id, { tilledPaymentMethodId });
  const payment = await world.payment(app, customer.id, {
    ...{ description: 'Hopper, Pier 7', referenceId: 'order of Grace', metadata: { berth: 'Pier 7' } },
  });
  await world.ask(app, ops.RefundCreateDocument, {
    input: { paymentId: payment.id, amount: { amountMinor: 100, currency: 'usd' }, referenceId: 'r-1', metadata: { why: 'Pier 7' } },
  });
  const again = { email: 'other@example.com', externalId: PERSON.externalId, idempotencyKey: 'again' };
  await world.send(app, ops.CustomerCreateDocument, { input: again });
  await world.control('disputes', { paymentIntentId: (await intentOf(payment.id)).id });
  await world.settle();
  return { customer, card, payment };
}

/** Leaves a resolved divergence with what both sides called the customer. */
async function renamedAtTilled(customerId: string): Promise<void> {
  const [row] = await world.rows('billing_customers', app);
  await world.tilled(app, 'PATCH', `/v1/customers/${row?.['tilled_customer_id']}`, { last_name: 'Hopper-Murray' });
  await world.settle();
  await later(1);
  const { open } = await world.gateway.reconciliation.object.examine(await world.scope(app), customerId);
  const note = 'Hopper is the name on the card.';
  await world.ask(app, ops.DivergenceResolveDocument, { input: { id: open[0]?.id ?? '', note } });
  // Our name is carried there.
  await world.settle();
}

async function intentOf(paymentId: string): Promise<{ readonly id: string }> {
  const row = (await world.rows('billing_payments', app)).find((one) => one['id'] === paymentId);
  return { id: String(row?.['tilled_payment_intent_id']) };
}

function moneyOf(row: Readonly<Record<string, unknown>> = {}) {
  const { amount_minor, captured_minor, refunded_minor, refund_reserved_minor, currency, status } = row;
  return { amount_minor, captured_minor, refunded_minor, refund_reserved_minor, currency, status };
}

function erased() {
  return world.scope(app).then((scope) => world.gateway.privacy.erase(scope, PERSON.externalId));
}

/** The stored events that name a customer. */
async function eventsOf(customerId: string) {
  const tilledId = (await world.rows('billing_customers', app)).find((row) => row['id'] === customerId)?.['tilled_customer_id'];
  return (await world.rows('billing_webhooks', app)).filter((row) => String(row['payload']).includes(String(tilledId)));
}

function run(...args: readonly string[]): Promise<Ending> {
  return billing(args, world.environment);
}

/** Which signs of the person the tables of the app hold, and where; `only` of these rows if given. */
async function traces(only?: ReadonlySet<unknown>): Promise<string[]> {
  const tables = Object.entries(await rowsOfApp(world, app));
  return tables.flatMap(([table, rows]) =>
    rows
      .filter((row) => only === undefined || only.has(row['id']))
      .flatMap((row) =>
        Object.entries(row).flatMap(([column, value]) => {
          const text = value instanceof Date ? '' : String(value);
          return SIGNS.filter((sign) => holds(text, sign)).map((sign) => `${table}.${column}: ${sign}`);
        }),
      ),
  );
}

describe('billing customers erase', () => {
  it('leaves no table that holds e-mail address, name, external id, metadata or last digits, and keeps every amount', async () => {
    const { customer, payment } = await grace();
    expect(new Set((await traces()).map((trace) => trace.split('.')[0]))).toEqual(
      new Set([
        'billing_app_events',
        'billing_customers',
        'billing_payment_methods',
        'billing_payments',
        'billing_refunds',
        'billing_webhook_deliveries',
        'billing_webhooks',
        'billing_idempotency_keys',
        'billing_divergences',
        'billing_jobs',
      ]),
    );
    const before = await rowsOfApp(world, app);
    const ids = new Set(Object.values(before).flatMap((rows) => rows.map((row) => row['id'])));
    const amounts = await world.rows('billing_payments', app);
    const { status, stderr, stdout } = await run('customers', 'erase', '--app', app.id, '--customer', PERSON.externalId);
    expect([status, stderr, stdout]).toEqual([
      0,
      '',
      expect.stringMatching(new RegExp(`^Erased ${customer.id}: \\d+ rows and \\d+ events`)),
    ]);
    // What Tilled tells of the deletion itself comes later: see the next test.
    expect(await traces(ids)).toEqual([]);
    const after = await rowsOfApp(world, app);
    expect([...ids].filter((id) => !Object.values(after).some((rows) => rows.some((row) => row['id'] === id)))).toEqual([]);
    expect(await world.rows('billing_payments', app)).toMatchObject([{ id: payment.id, ...moneyOf(amounts[0]) }]);
    expect(await world.rows('billing_webhooks', app)).toContainEqual(
      expect.objectContaining({ payload: expect.stringContaining((await intentOf(payment.id)).id) }),
    );
  });

  it('is followed by the retention sweep, which removes what Tilled still tells of the person', async () => {
    await grace();
    const [late] = await world.rows('billing_webhooks', app);
    await erased();
    await world.settle();
    const event = { ...JSON.parse(String(late?.['payload'])), id: 'evt_late' };
    await world.gateway.inbox.record(await world.scope(app), event);
    await world.settle();
    expect(await traces()).not.toEqual([]);
    await world.gateway.retention.run(await world.scope(app));
    expect(await traces()).toEqual([]);
  });

  it('stays done when our books are compared with Tilled, which keeps what it knows of the card', async () => {
    await grace();
    await erased();
    await world.advance({ days: 1 });
    const { open } = await world.gateway.reconciliation.run.runNow(await world.scope(app));
    await world.gateway.retention.run(await world.scope(app));
    expect([open, await traces()]).toEqual([0, []]);
  });

  it('leaves other customers and other apps as they are', async () => {
    await grace();
    const other = await world.app();
    await furnish(world, other);
    // Somebody who shares a name, a metadata value and the last digits of a card.
    const ann = await world.customer(app, { email: 'ann@example.com', name: 'Grace Hopper', metadata: { ship: 'USS-Wright' } });
    await world.card(app, ann.id, { tilledPaymentMethodId: await world.newCard(app, MASTERCARD) });
    await world.settle();
    const events = await eventsOf(ann.id);
    expect(JSON.stringify(events)).toContain('ann@example.com');
    const before = await rowsOfApp(world, other);
    await erased();
    await world.gateway.retention.run(await world.scope(app));
    expect(await rowsOfApp(world, other)).toEqual(before);
    expect(await world.rows('billing_customers', app)).toContainEqual(expect.objectContaining({ id: ann.id, name: 'Grace Hopper' }));
    expect(await eventsOf(ann.id)).toEqual(events);
    expect(await world.rows('billing_payment_methods', app)).toContainEqual(
      expect.objectContaining({ customer_id: ann.id, last4: '4444' }),
    );
  });

  it.each([
    'again',
    'the sweep',
  ])('that Tilled did not answer is finished by %s, which still knows by which words the person was called', async (who) => {
    const { customer } = await grace();
    await cut(world, 'DELETE /v1/customers/:id', 'before');
    await expect(erased()).rejects.toThrow('not erased');
    const [memory] = await world.rows('billing_erasures', app);
    expect(memory).toMatchObject({ id: customer.id, person_sealed: expect.stringMatching(/^v1\./) });
    await world.advance({ ms: 600_000 });
    expect(await world.rows('billing_customers', app)).toMatchObject([{ deleted_at: expect.anything() }]);
    expect(await traces()).toEqual(expect.arrayContaining(['billing_payments.reference_id: Grace']));
    if (who === 'again') expect(await erased()).toMatchObject({ customerId: customer.id });
    else await world.gateway.retention.run(await world.scope(app));
    expect((await traces()).filter((trace) => !trace.startsWith('billing_webhooks'))).toEqual([]);
    expect(await world.rows('billing_erasures', app)).toEqual([]);
    await world.gateway.retention.run(await world.scope(app));
    expect(await traces()).toEqual([]);
  });

  it('that was cut off in the middle finds the rest', async () => {
    await grace();
    const stop = world.gateway.database.listen((sql) => {
      if (/update .?billing_refunds/.test(sql)) throw new Error('The process ends here.');
    });
    await expect(erased()).rejects.toThrow('The process ends here.');
    stop();
    expect(await traces()).not.toEqual([]);
    await erased();
    await world.settle();
    await world.gateway.retention.run(await world.scope(app));
    expect(await traces()).toEqual([]);
  });

  it('that Tilled refuses leaves nothing that was remembered', async () => {
    await grace();
    await refuse(world, 'DELETE /v1/customers/:id', 400, { body: { message: 'no', statusCode: 400 } });
    await expect(erased()).rejects.toThrow('not erased');
    expect(await world.rows('billing_erasures', app)).toEqual([]);
  });

  it('is refused while a subscription is live, and changes nothing', async () => {
    const { customer } = await grace();
    await world.subscription(app, customer.id);
    const before = await rowsOfApp(world, app);
    const { status, stderr } = await run('customers', 'erase', '--app', app.id, '--customer', customer.id);
    expect([status, stderr]).toEqual([1, expect.stringContaining('live subscription')]);
    expect(await world.rows('billing_customers', app)).toEqual(before['billing_customers']);
  });
});

describe('customerDelete', () => {
  it('is finished by the retention sweep: nothing of the person is left then', async () => {
    const { customer } = await grace();
    await world.ask(app, ops.CustomerDeleteDocument, { input: { id: customer.id } });
    await world.settle();
    await world.gateway.retention.run(await world.scope(app));
    expect(await traces()).toEqual([]);
  });

  it('keeps the mark of a smoke test through the sweep, by which its payments are told from those of customers', async () => {
    const { customer } = await world.payer(app);
    const smoke = 'billing-smoke-0123456789ab';
    const { id } = await world.subscription(app, customer.id);
    await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, metadata: { smoke, seat: 'Pier 7', note: smoke } } });
    await world.ask(app, ops.SubscriptionCancelDocument, { input: { id, mode: 'IMMEDIATELY' } });
    await world.ask(app, ops.CustomerDeleteDocument, { input: { id: customer.id } });
    await world.settle();
    await world.gateway.retention.run(await world.scope(app));
    expect((await world.rows('billing_subscriptions', app)).map((row) => row['metadata'])).toEqual([JSON.stringify({ smoke })]);
  });
});

describe('billing customers export', () => {
  it('prints everything that is stored about the customer, and nothing of others', async () => {
    const { customer, card, payment } = await grace();
    const { id } = await world.customer(app, { email: 'ann@example.com' });
    const { status, stdout } = await run('customers', 'export', '--app', app.id, '--customer', customer.id);
    const found = JSON.parse(stdout);
    expect([status, found]).toMatchObject([
      0,
      {
        app: app.id,
        billing_customers: [{ email: PERSON.email, name: PERSON.name, metadata: PERSON.metadata }],
        billing_payment_methods: [{ id: card.id, last4: '4444' }],
        billing_payments: [{ id: payment.id, description: 'Hopper, Pier 7' }],
        billing_refunds: [{ amount_minor: 100 }],
        billing_disputes: [{ payment_id: payment.id }],
      },
    ]);
    expect(found.billing_webhooks.length).toBeGreaterThan(3);
    expect(stdout).not.toContain(id);
  });
});

describe('billing inspect', () => {
  it('shows a payment by its reference beside what Tilled says, with its refunds, dispute, events and transitions', async () => {
    const { payment } = await grace();
    const { status, stdout } = await run('inspect', 'payment', 'order of Grace', '--app', app.id, '--json');
    const found = JSON.parse(stdout);
    expect([status, found]).toMatchObject([0, { noun: 'payment', id: payment.id, row: { status: 'SUCCEEDED', amountMinor: 5000 } }]);
    expect(found.compared).toContainEqual({ field: 'amount', ours: 5000, theirs: 5000, differs: false });
    expect(found.related).toMatchObject({
      billing_refunds: [{ amount_minor: 100 }],
      billing_disputes: [{ payment_id: payment.id }],
      billing_events: expect.arrayContaining([expect.objectContaining({ type: 'payment.succeeded' })]),
      billing_webhooks: expect.arrayContaining([expect.objectContaining({ status: 'PROCESSED' })]),
    });
  });

  it('hides personal data unless it is asked for', async () => {
    const { customer } = await grace();
    const found = await world.gateway.inspection.inspect(await world.scope(app), 'customer', customer.id, false);
    for (const stdout of [(await run('inspect', 'customer', customer.id)).stdout, JSON.stringify(found)]) {
      for (const sign of SIGNS) expect([sign, holds(stdout, sign)]).toEqual([sign, false]);
    }
    const { stdout } = await run('inspect', 'customer', customer.id, '--show-personal');
    for (const sign of ['grace.hopper@example.com', 'Grace Brewster Hopper', '4444']) expect(stdout).toContain(sign);
  });

  it('marks what differs from Tilled, and ends with status 1', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    const [row] = await world.rows('billing_subscriptions', app);
    await world.tilled(app, 'PATCH', `/v1/subscriptions/${row?.['tilled_subscription_id']}`, { price: 2990 });
    const { status, stdout } = await run('inspect', 'subscription', String(row?.['tilled_subscription_id']));
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^! price\s+1990\s+2990$/m)]);
    expect(stdout).toContain(id);
  });

  it('finds nothing of another app', async () => {
    const { customer } = await world.payer(app);
    const other = await world.app();
    const { status, stderr } = await run('inspect', 'customer', customer.id, '--app', other.id);
    expect([status, stderr]).toEqual([1, `There is no customer ${customer.id}.\n`]);
  });
});

describe('the retention sweep', () => {
  const sweep = async () => world.gateway.retention.run(await world.scope(app));
  const payloads = async () => new Set((await world.rows('billing_webhooks', app)).map((row) => row['payload']));

  it('removes bodies of events after 90 days and handled events after 365, and no financial record ever', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id);
    await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
    await world.settle();
    const before = await rowsOfApp(world, app);
    await later(89);
    await sweep();
    expect(await world.rows('billing_webhooks', app)).toEqual(before['billing_webhooks']);
    await later(2);
    await sweep();
    expect(await payloads()).toEqual(new Set(['{"expired":true}']));
    await world.gateway.database.run("update billing_webhooks set status = 'DEAD' where app_id = ? and id = ?", [
      app.id,
      before['billing_webhooks']?.[0]?.['id'],
    ]);
    await later(275);
    await sweep();
    expect(await world.rows('billing_webhooks', app)).toHaveLength(1);
    await later(4000);
    await sweep();
    const after = await rowsOfApp(world, app);
    for (const table of ['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes', 'events', 'webhook_facts'])
      expect([table, after[`billing_${table}`]]).toEqual([table, before[`billing_${table}`]]);
  });

  it('works in bounded turns, and says when there is more', async () => {
    const id = (index: number) => `whe_00000000000000${String(index).padStart(12, '0')}`;
    for (let from = 0; from < 10_500; from += 500) {
      const rows = Array.from({ length: 500 }, (_, index) => id(from + index));
      const values = rows.map(() => "(?, ?, ?, 't', 'PROCESSED', 1, 0, '{}', ?)").join(', ');
      const sql = `insert into billing_webhooks (app_id, id, event_id, type, status, deliveries, attempts, payload, received_at) values ${values}`;
      await world.gateway.database.run(
        sql,
        rows.flatMap((row) => [app.id, row, row, new Date(0)]),
      );
    }
    expect(await sweep()).toBe(true);
    expect(await world.rows('billing_webhooks', app)).toHaveLength(500);
    expect(await sweep()).toBe(false);
    expect(await world.rows('billing_webhooks', app)).toEqual([]);
  });
});

/** Moves the clock and nothing else: what would happen meanwhile is not what the sweep is about. */
async function later(days: number): Promise<void> {
  await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + days * 86_400_000));
}
