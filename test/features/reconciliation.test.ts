import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ReconciliationReport } from '../../src/backoffice/reconciliation/reconciliation.run.js';
import { atTilled, newBankAccount } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { billing, runningBilling } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Divergences that tests leave open, because nothing but a person can close them. */
let leftOpen = 0;
let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterEach(async () => {
  await world.control('faults', { clear: true });
  await world.control('webhooks', { lose: 0 });
});
afterAll(() => world.close({ divergences: leftOpen }));

/** What an app has for a drift to be planted in: everything once, a day old, the same on both sides. */
interface Books {
  readonly tilled: Readonly<Record<'customer' | 'card' | 'subscription' | 'payment' | 'held' | 'debit' | 'refund' | 'dispute', string>>;
}

/** A way in which the sides part, planted at Tilled (whose events are lost) or in our rows. */
interface Drift {
  readonly name: string;
  readonly kind: string;
  readonly class: string;
  readonly differs: readonly string[];
  readonly plant: (books: Books) => Promise<unknown>;
}

const at = (method: string, path: string, body?: object) => world.tilled(app, method, path, body);
const inRows = (sql: string) => world.gateway.database.run(`${sql} where app_id = ?`, [app.id]);
const FIELD = 'FIELD';

/** What looking, or carrying ours to Tilled, puts right. */
const HEALED: readonly Drift[] = [
  {
    ...{ name: 'a customer renamed at Tilled', kind: 'CUSTOMER', class: FIELD, differs: ['name'] },
    plant: ({ tilled }) => at('PATCH', `/v1/customers/${tilled.customer}`, { first_name: 'Mallory' }),
  },
  {
    ...{ name: 'a middle name added at Tilled', kind: 'CUSTOMER', class: FIELD, differs: ['name'] },
    plant: ({ tilled }) => at('PATCH', `/v1/customers/${tilled.customer}`, { middle_name: 'King' }),
  },
  {
    ...{ name: 'an e-mail address changed in our row', kind: 'CUSTOMER', class: FIELD, differs: ['email'] },
    plant: () => inRows("update billing_customers set email = 'drifted@example.com'"),
  },
  {
    ...{ name: 'a card detached at Tilled', kind: 'PAYMENT_METHOD', class: FIELD, differs: ['customer'] },
    plant: ({ tilled }) => at('PUT', `/v1/payment-methods/${tilled.card}/detach`),
  },
  {
    ...{ name: 'the last digits of a card changed in our row', kind: 'PAYMENT_METHOD', class: FIELD, differs: ['last4'] },
    plant: ({ tilled }) =>
      inRows(`update billing_payment_methods set last4 = case when tilled_payment_method_id = '${tilled.card}' then '0000' else last4 end`),
  },
  {
    ...{ name: 'a card attached at Tilled', kind: 'PAYMENT_METHOD', class: 'MISSING_HERE', differs: [] },
    plant: async ({ tilled }) => at('PUT', `/v1/payment-methods/${await world.newCard(app)}/attach`, { customer_id: tilled.customer }),
  },
  {
    ...{ name: 'a price changed at Tilled', kind: 'SUBSCRIPTION', class: FIELD, differs: ['priceMinor'] },
    plant: ({ tilled }) => at('PATCH', `/v1/subscriptions/${tilled.subscription}`, { price: 2_990 }),
  },
  {
    ...{
      name: 'a subscription canceled at Tilled',
      kind: 'SUBSCRIPTION',
      class: FIELD,
      differs: ['status', 'nextPaymentAt', 'canceledAt'],
    },
    plant: ({ tilled }) => at('POST', `/v1/subscriptions/${tilled.subscription}/cancel`),
  },
  {
    ...{ name: 'a date changed in our row', kind: 'SUBSCRIPTION', class: FIELD, differs: ['nextPaymentAt'] },
    plant: () => inRows('update billing_subscriptions set next_payment_at = null'),
  },
  {
    ...{ name: 'a held payment captured at Tilled', kind: 'PAYMENT', class: FIELD, differs: ['status', 'capturedMinor'] },
    plant: ({ tilled }) => at('POST', `/v1/payment-intents/${tilled.held}/capture`, {}),
  },
  {
    ...{ name: 'a bank debit that came back', kind: 'PAYMENT', class: FIELD, differs: ['status', 'capturedMinor', 'failureCode'] },
    plant: ({ tilled }) => world.control('return', { paymentIntentId: tilled.debit, code: 'R01' }),
  },
  {
    ...{ name: 'a captured amount changed in our row', kind: 'PAYMENT', class: FIELD, differs: ['capturedMinor'] },
    plant: ({ tilled }) =>
      inRows(
        `update billing_payments set captured_minor = case when tilled_payment_intent_id = '${tilled.debit}' then 1 else captured_minor end`,
      ),
  },
  {
    ...{ name: 'a refund given at Tilled', kind: 'PAYMENT', class: FIELD, differs: ['refundedMinor'] },
    plant: ({ tilled }) => at('POST', '/v1/refunds', { payment_intent_id: tilled.payment, amount: 300 }),
  },
  {
    ...{ name: 'a refund begun at Tilled', kind: 'REFUND', class: 'MISSING_HERE', differs: [] },
    plant: ({ tilled }) => at('POST', '/v1/refunds', { payment_intent_id: tilled.debit, amount: 300 }),
  },
  {
    ...{ name: 'a failure that our row says and Tilled does not', kind: 'REFUND', class: FIELD, differs: ['failureCode'] },
    plant: () => inRows("update billing_refunds set failure_code = 'declined'"),
  },
  {
    ...{ name: 'a dispute opened at Tilled', kind: 'DISPUTE', class: 'MISSING_HERE', differs: [] },
    plant: ({ tilled }) => world.control('disputes', { paymentIntentId: tilled.debit }),
  },
  {
    ...{ name: 'a dispute decided at Tilled', kind: 'DISPUTE', class: FIELD, differs: ['status'] },
    plant: ({ tilled }) => world.control('disputes', { disputeId: tilled.dispute, status: 'won' }),
  },
  {
    ...{ name: 'the amount of a dispute changed in our row', kind: 'DISPUTE', class: FIELD, differs: ['amountMinor'] },
    plant: () => inRows('update billing_disputes set amount_minor = amount_minor + 1'),
  },
];

/** What a person has to see to. */
const LEFT_OPEN: readonly Drift[] = [
  {
    ...{ name: 'a customer deleted at Tilled', kind: 'CUSTOMER', class: 'MISSING_AT_TILLED', differs: [] },
    plant: async () => {
      const { id } = await world.customer(app, { email: 'other@example.com' });
      const row = (await world.rows('billing_customers', app)).find((candidate) => candidate['id'] === id);
      return at('DELETE', `/v1/customers/${row?.['tilled_customer_id']}`);
    },
  },
  {
    ...{ name: 'a customer of ours that only Tilled has', kind: 'CUSTOMER', class: 'MISSING_HERE', differs: [] },
    plant: () => at('POST', '/v1/customers', { email: 'x@example.com', metadata: { billing_app_id: app.id, billing_id: 'cus_lost' } }),
  },
  {
    ...{ name: 'a card that Tilled does not have', kind: 'PAYMENT_METHOD', class: 'MISSING_AT_TILLED', differs: [] },
    plant: ({ tilled }) =>
      inRows(
        `update billing_payment_methods set tilled_payment_method_id = case when tilled_payment_method_id = '${tilled.card}' then tilled_payment_method_id else 'pm_gone' end`,
      ),
  },
  {
    ...{ name: 'a subscription of our customer made by hand at Tilled', kind: 'SUBSCRIPTION', class: 'MISSING_HERE', differs: [] },
    plant: ({ tilled }) =>
      at('POST', '/v1/subscriptions', {
        ...{ customer_id: tilled.customer, payment_method_id: tilled.card, price: 500, currency: 'usd', interval_unit: 'month' },
        billing_cycle_anchor: new Date(world.sandbox.now().getTime() + 20 * DAY_MS).toISOString(),
      }),
  },
  {
    ...{ name: 'an amount changed in our row', kind: 'PAYMENT', class: FIELD, differs: ['amountMinor'] },
    plant: ({ tilled }) =>
      inRows(
        `update billing_payments set amount_minor = case when tilled_payment_intent_id = '${tilled.debit}' then 9999 else amount_minor end`,
      ),
  },
  {
    ...{ name: 'a second payment with the mark of the first', kind: 'PAYMENT', class: 'DUPLICATE_AT_TILLED', differs: [] },
    plant: async ({ tilled }) => {
      const { metadata } = (await at('GET', `/v1/payment-intents/${tilled.payment}`)) as { metadata: object };
      const method = { payment_method_types: ['card'], payment_method_id: tilled.card };
      return at('POST', '/v1/payment-intents', { amount: 5_000, currency: 'usd', ...method, confirm: true, metadata });
    },
  },
  {
    ...{ name: 'a second refund with the mark of the first', kind: 'REFUND', class: 'DUPLICATE_AT_TILLED', differs: [] },
    plant: async ({ tilled }) => {
      const { metadata } = (await at('GET', `/v1/refunds/${tilled.refund}`)) as { metadata: object };
      return at('POST', '/v1/refunds', { payment_intent_id: tilled.payment, amount: 200, metadata });
    },
  },
];

/** What was seen of a drift: after the run that found it, after the work that heals it, after another look, and by the next run. */
type Divergences = Awaited<ReturnType<typeof divergences>>;

interface Course {
  readonly found: Divergences;
  readonly afterWork: Divergences;
  readonly afterLook: Divergences;
  readonly nextRun: ReconciliationReport;
}

describe('a run', () => {
  const courses = new Map<string, Course>();

  // All drifts take their course together, each in an app of its own: time passes once for all of them. They are made one
  // after the other, since Tilled has 2 s for an answer, which hundreds of calls at once miss on a busy machine.
  beforeAll(async () => {
    const drifts: { drift: Drift; app: TestApp }[] = [];
    for (const drift of [...HEALED, ...LEFT_OPEN]) drifts.push({ drift, app: await world.app() });
    for (const { app: its } of drifts) await beginBooks(its);
    await world.advance({ days: 6 });
    for (const { app: its } of drifts) await finishBooks(its);
    await world.advance({ ms: 60 * MINUTE_MS });
    await world.control('webhooks', { lose: 1_000_000 });
    for (const { drift, app: its } of drifts) {
      app = its;
      await drift.plant(await booksOf(its));
    }
    await world.settle();
    await world.control('webhooks', { lose: 0 });
    await world.advance({ ms: 10 * MINUTE_MS });
    for (const { app: its } of drifts) await run(its);
    const found = await Promise.all(drifts.map(({ app: its }) => divergences(its)));
    await world.settle();
    const afterWork = await Promise.all(drifts.map(({ app: its }) => divergences(its)));
    await world.advance({ ms: MINUTE_MS });
    const afterLook = await Promise.all(drifts.map(({ app: its }) => divergences(its)));
    for (const [index, { drift, app: its }] of drifts.entries()) {
      const nextRun = await run(its);
      leftOpen += nextRun.open;
      courses.set(drift.name, {
        ...{ found: found[index] ?? [], afterWork: afterWork[index] ?? [], afterLook: afterLook[index] ?? [], nextRun },
      });
    }
  }, 400_000);

  it.each(HEALED.map((drift) => [drift.name, drift] as const))('finds %s, has it healed, and says so after another look', (_, drift) => {
    const { found, afterWork, afterLook, nextRun } = courses.get(drift.name) as Course;
    expect(found).toEqual([expectedOf(drift, 'OPEN')]);
    expect(afterWork.map(({ status }) => status)).toEqual(['OPEN']);
    expect(afterLook).toEqual([expectedOf(drift, 'HEALED')]);
    expect(nextRun).toMatchObject({ found: 0, open: 0, busy: 0 });
    expect(nextRun.timeToHealMs).toMatchObject({ count: 1, p50: MINUTE_MS });
  });

  it.each(LEFT_OPEN.map((drift) => [drift.name, drift] as const))('finds %s, and leaves it to a person', (_, drift) => {
    const { found, afterLook, nextRun } = courses.get(drift.name) as Course;
    expect(found).toContainEqual(expectedOf(drift, 'OPEN'));
    expect(afterLook).toContainEqual(expectedOf(drift, 'OPEN'));
    expect(nextRun).toMatchObject({ found: 0 });
    expect(nextRun.open).toBeGreaterThan(0);
  });

  it('says how long a difference at Tilled was not noticed', () => {
    const course = courses.get('a price changed at Tilled') as Course;
    expect(course.nextRun.timeToDetectMs).toEqual({ count: 1, p50: 10 * MINUTE_MS, max: 10 * MINUTE_MS });
  });

  it('finds nothing in books that are the same, and looked at everything', async () => {
    await books();
    const tables = ['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes'];
    const rows = await Promise.all(tables.map((table) => world.rows(`billing_${table}`, app)));
    const report = await run();
    expect(report).toMatchObject({ found: 0, healed: 0, open: 0, busy: 0 });
    expect(report.looked).toBe(rows.flat().length);
    expect(await world.rows('billing_divergences', app)).toEqual([]);
  });

  it('says nothing of what is just being changed, and looks at it when that is done', async () => {
    const { tilled } = await books();
    await at('PATCH', `/v1/subscriptions/${tilled.subscription}`, { price: 2_990 });
    await world.sandbox.drain();
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 10 * MINUTE_MS));
    expect(await jobKinds()).toEqual([]);
    expect(await run()).toMatchObject({ found: 0, busy: 1 });
    await world.gateway.webhooks.intake.take();
    expect(await jobKinds()).toContain('sync.subscription');
    expect(await run()).toMatchObject({ found: 0, busy: 1 });
    await world.settle();
    await world.advance({ ms: 5 * MINUTE_MS });
    expect(await divergences()).toEqual([]);
    expect(await jobKinds()).toEqual([]);
  });

  it('gives an event time to come, and then does not wait for the next run', async () => {
    const { tilled } = await books();
    await unheard(() => at('PATCH', `/v1/subscriptions/${tilled.subscription}`, { price: 2_990 }));
    expect(await run()).toMatchObject({ found: 0, busy: 1 });
    await world.advance({ ms: 5 * MINUTE_MS });
    expect(await divergences()).toMatchObject([{ kind: 'SUBSCRIPTION', class: 'FIELD', status: 'OPEN' }]);
    await world.advance({ ms: 5 * MINUTE_MS });
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }]);
  });

  it('counts what it sees again, and opens it once', async () => {
    await at('POST', '/v1/customers', { email: 'x@example.com', metadata: { billing_app_id: app.id, billing_id: 'cus_lost' } });
    await world.advance({ ms: 10 * MINUTE_MS });
    for (let runs = 0; runs < 3; runs += 1) await run();
    expect(await divergences()).toMatchObject([{ class: 'MISSING_HERE', status: 'OPEN', detections: 3 }]);
    leftOpen += 1;
  });

  it('waits as long as Tilled wants when it asks too fast, and goes on where it was', async () => {
    await books();
    const before = world.sandbox.requests('GET /v1/customers').length;
    await world.control('faults', { operation: 'GET /v1/payment-intents', status: 429, retryAfterSeconds: 40, times: 1 });
    await world.gateway.reconciliation.run.schedule(await world.scope(app));
    await itsJobIsDue();
    await world.settle();
    expect(await runs()).toMatchObject([{ step: 'PAYMENT there', finished_at: null }]);
    await world.advance({ ms: 39_000 });
    expect(await runs()).toMatchObject([{ step: 'PAYMENT there', finished_at: null }]);
    await world.advance({ ms: 1_000 });
    expect(await runs()).toMatchObject([{ step: 'open', finished_at: expect.anything() }]);
    expect(world.sandbox.requests('GET /v1/customers').length - before).toBe(1);
  });

  it('repeats by itself', async () => {
    await world.gateway.reconciliation.run.schedule(await world.scope(app));
    await world.gateway.reconciliation.run.schedule(await world.scope(app));
    for (let hours = 0; hours < 13; hours += 1) await world.advance({ ms: 60 * MINUTE_MS });
    expect(await runs()).toHaveLength(2);
    expect(await jobKinds()).toEqual(['reconcile']);
  });

  it('that is killed is continued by the next process, and not begun anew', async () => {
    await books();
    await world.gateway.reconciliation.run.schedule(await world.scope(app));
    await itsJobIsDue();
    // For every app: on the time of the wall the others are due too, and one of them may come first.
    await world.control('faults', { operation: 'GET /v1/payment-intents', delayMs: 60_000, times: 1_000 });
    const before = listsAsked();
    const first = await runningBilling(['worker'], world.environment, 'worker started');
    await world.until(async () => (await runs())[0]?.['step'] === 'PAYMENT there' && listsAsked().payments > before.payments);
    await first.end('SIGKILL');
    await world.control('faults', { clear: true });
    await itsJobIsDue();
    const second = await runningBilling(['worker'], world.environment, 'worker started');
    await world.until(async () => (await runs())[0]?.['finished_at'] !== null);
    await second.end('SIGTERM');
    const after = listsAsked();
    expect(await runs()).toHaveLength(1);
    expect([after.customers - before.customers, after.payments - before.payments]).toEqual([1, 2]);
  });
});

describe('a state that cannot follow', () => {
  it('is recorded once and not taken over, however often it is reported; nothing that came with it is believed', async () => {
    const { tilled } = await books();
    const path = `/v1/payment-intents/${tilled.payment}`;
    const intent = (await at('GET', path)) as object;
    const before = await world.rows('billing_payments', app);
    const forged = { ...intent, status: 'requires_capture', amount_received: 0 };
    // Asked twice each time: what seems impossible may only be old.
    await world.control('faults', { operation: 'GET /v1/payment-intents/:id', status: 200, body: forged, times: 6 });
    for (let times = 0; times < 3; times += 1) await replay(tilled.payment);
    expect(await divergences()).toMatchObject([{ class: 'ILLEGAL_STATE', status: 'OPEN', detections: 3 }]);
    expect(await world.rows('billing_payments', app)).toEqual(before);
    await world.advance({ ms: 10 * MINUTE_MS });
    await run();
    expect(await divergences()).toMatchObject([{ class: 'ILLEGAL_STATE', status: 'HEALED', closedBy: 'command' }]);
  });

  it('of a dispute is not taken over either, and those that can are written down', async () => {
    const { tilled } = await books();
    await world.control('disputes', { disputeId: tilled.dispute, status: 'under_review' });
    await world.settle();
    await world.control('disputes', { disputeId: tilled.dispute, status: 'closed' });
    await world.settle();
    await world.control('disputes', { disputeId: tilled.dispute, status: 'needs_response' });
    await world.settle();
    const [row] = await world.rows('billing_disputes', app);
    expect(row).toMatchObject({ status: 'CLOSED' });
    const events = (await world.rows('billing_events', app)).filter((event) => event['object_id'] === row?.['id']);
    expect(events.map((event) => [event['from_status'], event['to_status']])).toEqual([
      ['NEW', 'NEEDS_RESPONSE'],
      ['NEEDS_RESPONSE', 'UNDER_REVIEW'],
      ['UNDER_REVIEW', 'CLOSED'],
    ]);
    expect(await divergences()).toMatchObject([{ kind: 'DISPUTE', class: 'ILLEGAL_STATE', status: 'OPEN', objectId: row?.['id'] }]);
    leftOpen += 1;
  });
});

describe('an operator', () => {
  it('resolves a divergence with a note, once, and it is written down who it was', async () => {
    const credential = await world.key(app, 'operator');
    await at('POST', '/v1/customers', { email: 'x@example.com', metadata: { billing_app_id: app.id, billing_id: 'cus_lost' } });
    await world.advance({ ms: 10 * MINUTE_MS });
    await run();
    await world.advance({ ms: 1_000 });
    const [open] = await divergences();
    const input = { id: open?.id ?? '', note: 'Deleted it at Tilled by hand.' };
    await at('DELETE', `/v1/customers/${open?.tilledId}`);
    const resolve = () => world.ask(app, ops.DivergenceResolveDocument, { input }, { credential });
    const { divergenceResolve } = await resolve();
    expect(divergenceResolve).toMatchObject({ userErrors: [], divergence: { status: 'RESOLVED', note: input.note } });
    expect(divergenceResolve.divergence?.closedBy).toMatch(/^operator key_/);
    expect((await resolve()).divergenceResolve).toMatchObject({ divergence: null, userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect((await world.rows('billing_events', app)).filter((event) => event['to_status'] !== '')).toMatchObject([
      { type: 'divergence.resolved', actor: 'operator', object_id: open?.id },
    ]);
    expect(await run()).toMatchObject({ found: 0, open: 0 });
  });

  it('must say why', async () => {
    const { divergenceResolve } = await world.ask(app, ops.DivergenceResolveDocument, { input: { id: 'dv_x', note: '' } });
    expect(divergenceResolve.userErrors).toMatchObject([{ code: 'INVALID', field: ['note'] }]);
  });
});

describe('billing reconcile', () => {
  const command = async (...args: string[]) => {
    const { status, stdout, stderr } = await billing(['reconcile', '--app', app.id, ...args], world.environment);
    return { status, stderr, said: args.includes('--json') ? JSON.parse(stdout) : stdout };
  };

  it('prints what it found, as a sentence and as JSON', async () => {
    await world.customer(app);
    expect(await command()).toMatchObject({
      status: 0,
      said: expect.stringMatching(/1 objects looked at.*0 differences found, 0 healed, 0 open/),
    });
    expect(await command('--json')).toMatchObject({ status: 0, said: { appId: app.id, looked: 1, busy: 0, found: 0, healed: 0, open: 0 } });
  });

  it('compares one object, by our id or by that of Tilled', async () => {
    const { id } = await world.customer(app);
    await world.settle();
    const tilledId = await tilledIdOf(app, 'customer', id);
    const look = async (object: string) => world.gateway.reconciliation.object.examine(await world.scope(app), object);
    expect(await look(id)).toMatchObject({ verdict: 'equal', open: [] });
    await unheard(() => at('PATCH', `/v1/customers/${tilledId}`, { first_name: 'Mallory' }));
    expect(await command('--object', id, '--json')).toMatchObject({ status: 1, said: { verdict: 'differs', open: [{ class: 'FIELD' }] } });
    expect(await look(tilledId)).toMatchObject({ verdict: 'busy', open: [{ class: 'FIELD' }] });
    await itsWorkIsDone();
    expect(await command('--object', tilledId)).toMatchObject({ status: 0, said: expect.stringContaining('is the same') });
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }]);
    await expect(look('cus_nobody')).rejects.toThrow('There is no object');
  });

  it('finds a name in three parts and an address in other letters equal to ours, and carries a new name there whole', async () => {
    const { id } = await world.customer(app, { email: 'ann@example.com', name: 'Ann Mary Lee' });
    const tilledId = await tilledIdOf(app, 'customer', id);
    const parts = { first_name: 'Ann ', middle_name: 'Mary', last_name: 'Lee', email: 'Ann@Example.com' };
    await unheard(() => at('PATCH', `/v1/customers/${tilledId}`, parts));
    await world.advance({ days: 1 });
    expect(await run()).toMatchObject({ looked: 1, found: 0, open: 0 });
    const inspected = await world.gateway.inspection.inspect(await world.scope(app), 'customer', id, true);
    expect(inspected.compared.filter(({ differs }) => differs)).toEqual([]);
    await unheard(() => at('PATCH', `/v1/customers/${tilledId}`, { middle_name: 'Jo' }));
    await world.advance({ days: 1 });
    expect(await run()).toMatchObject({ found: 1 });
    await world.advance({ ms: 600_000 });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ first_name: 'Ann', middle_name: null, last_name: 'Mary Lee' }]);
  });

  it('--canary ends well when what it plants is found and healed', async () => {
    expect(await world.gateway.reconciliation.canary.run(await world.scope(app))).toMatchObject({ isFound: true, isHealed: true });
    await world.settle();
    expect(await command('--canary')).toMatchObject({ status: 0, said: `${app.id}: the planted difference was found and healed.\n` });
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }, { status: 'HEALED' }]);
    const movedMoney = ['payment_intents', 'charges', 'refunds'] as const;
    for (const collection of movedMoney) expect(await atTilled(world, app, collection)).toEqual([]);
  });

  it('--canary ends well when queued work finds and heals what it plants before it looks itself', async () => {
    await world.gateway.reconciliation.canary.run(await world.scope(app));
    await world.settle();
    // The look that this queued is due for a process, whose clock is the wall's, and no event says that the object is being changed.
    await world.control('webhooks', { lose: 1_000 });
    expect(await command('--canary')).toMatchObject({ status: 0, said: `${app.id}: the planted difference was found and healed.\n` });
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }, { status: 'HEALED' }]);
  });

  it('--canary fails when what it plants cannot be healed', async () => {
    const { canary } = world.gateway.reconciliation;
    expect(await canary.run(await world.scope(app))).toMatchObject({ isHealed: true });
    await world.control('faults', { operation: 'PATCH /v1/customers/:id', status: 400, skip: 1, times: 1_000 });
    expect(await canary.run(await world.scope(app))).toMatchObject({ isFound: true, isHealed: false });
    expect((await divergences()).map(({ status }) => status)).toEqual(['OPEN', 'HEALED']);
    await world.control('faults', { clear: true });
    await itsWorkIsDone();
    expect((await divergences()).map(({ status }) => status)).toEqual(['HEALED', 'HEALED']);
  });

  // A process looks for a quarter of a minute before it gives up, and ends in the same way on both databases.
  if (globalThis.TEST_DATABASE === 'embedded') {
    it('--canary ends with status 1 when it fails', async () => {
      await world.control('faults', { operation: 'PATCH /v1/customers/:id', status: 400, skip: 1, times: 1_000 });
      expect(await command('--canary', '--json')).toMatchObject({ status: 1, said: { isFound: true, isHealed: false } });
      await world.control('faults', { clear: true });
      await itsWorkIsDone();
    });
  }

  it('--canary fails when customers are compared by nothing that differs', async () => {
    const scope = await world.scope(app);
    const { gateway } = world;
    const comparison = gateway.reconciliation.reconciler.comparisonOf('CUSTOMER');
    const compare = comparison.read.bind(comparison);
    comparison.read = async (tx, ref, snapshot) => {
      const sides = await compare(tx, ref, snapshot);
      return sides && { ...sides, theirs: sides.theirs && sides.ours };
    };
    expect(await gateway.reconciliation.canary.run(scope)).toMatchObject({ isFound: false, isHealed: false });
    comparison.read = compare;
    await world.settle();
    expect(await gateway.reconciliation.canary.run(scope)).toMatchObject({ isFound: true, isHealed: true });
  });
});

/** Books in which everything happened once, the same on both sides. */
async function books(): Promise<Books> {
  await beginBooks(app);
  await world.advance({ days: 6 });
  await finishBooks(app);
  await world.advance({ ms: 60 * MINUTE_MS });
  return booksOf(app);
}

async function beginBooks(its: TestApp): Promise<void> {
  const { customer, card } = await world.payer(its);
  const bank = await world.card(its, customer.id, { tilledPaymentMethodId: await newBankAccount(world, its) });
  await world.subscription(its, customer.id, { paymentMethodId: bank.id });
  await world.payment(its, customer.id, { paymentMethodId: card.id, referenceId: 'payment' });
  await world.payment(its, customer.id, { paymentMethodId: card.id, referenceId: 'held', captureMethod: 'MANUAL' });
  await world.payment(its, customer.id, { paymentMethodId: bank.id, referenceId: 'debit' });
}

async function finishBooks(its: TestApp): Promise<void> {
  const [payment] = (await world.rows('billing_payments', its)).filter((row) => row['reference_id'] === 'payment');
  const amount = { amountMinor: 100, currency: 'usd' };
  await world.ask(its, ops.RefundCreateDocument, { input: { paymentId: String(payment?.['id']), amount } });
  await world.control('disputes', { paymentIntentId: payment?.['tilled_payment_intent_id'] });
}

async function booksOf(its: TestApp): Promise<Books> {
  const payments = await world.rows('billing_payments', its);
  const intentOf = (name: string) => String(payments.find((row) => row['reference_id'] === name)?.['tilled_payment_intent_id']);
  const cards = (await world.rows('billing_payment_methods', its)).filter((row) => row['type'] === 'CARD');
  return {
    tilled: {
      customer: await tilledIdOf(its, 'customer'),
      card: String(cards[0]?.['tilled_payment_method_id']),
      subscription: await tilledIdOf(its, 'subscription'),
      payment: intentOf('payment'),
      held: intentOf('held'),
      debit: intentOf('debit'),
      refund: await tilledIdOf(its, 'refund'),
      dispute: await tilledIdOf(its, 'dispute'),
    },
  };
}

async function tilledIdOf(its: TestApp, kind: string, id?: string): Promise<string> {
  const rows = await world.rows(`billing_${kind}s`, its);
  return String(rows.find((row) => id === undefined || row['id'] === id)?.[`tilled_${kind}_id`]);
}

/** Does something at Tilled of which no event arrives here. */
async function unheard(work: () => Promise<unknown>): Promise<void> {
  await world.control('webhooks', { lose: 1_000 });
  await work();
  await world.settle();
  await world.control('webhooks', { lose: 0 });
}

/** Has an event of a payment intent handled again. */
async function replay(intentId: string): Promise<void> {
  const event = (await world.rows('billing_webhooks', app)).find((row) => row['object_id'] === intentId);
  await world.ask(app, ops.WebhookEventReplayDocument, { input: { id: String(event?.['id']) } });
  await world.settle();
}

async function run(its = app) {
  const report = await world.gateway.reconciliation.run.runNow(await world.scope(its));
  // The next one is for the test to begin.
  await world.gateway.database.run("delete from billing_jobs where app_id = ? and kind = 'reconcile'", [its.id]);
  return report;
}

function runs() {
  return world.rows('billing_reconciliations', app);
}

async function jobKinds(): Promise<unknown[]> {
  return (await world.rows('billing_jobs', app)).map((job) => job['kind']);
}

/** Makes the run of the app due, here and for processes, whose clock is the wall's. */
async function itsJobIsDue(): Promise<void> {
  const past = world.gateway.database.isEmbedded ? '0' : "'2026-01-01'";
  await world.gateway.database.run(`update billing_jobs set due_at = ${past} where app_id = ? and kind = 'reconcile'`, [app.id]);
}

/** Does all that the app has to do, also what a process asked for at the wall's time, in the order in which it depends on each other. */
async function itsWorkIsDone(): Promise<void> {
  const past = world.gateway.database.isEmbedded ? '0' : "'2026-01-01'";
  for (const looks of ["<> 'reconcile.look'", "= 'reconcile.look'"]) {
    await world.gateway.database.run(`update billing_jobs set due_at = ${past} where app_id = ? and kind ${looks}`, [app.id]);
    await world.settle();
  }
}

function listsAsked(): { customers: number; payments: number } {
  const asked = (operation: string) => world.sandbox.requests(operation).filter((request) => request.account === app.accountId).length;
  return { customers: asked('GET /v1/customers'), payments: asked('GET /v1/payment-intents') };
}

async function divergences(its = app) {
  return (await world.ask(its, ops.DivergencesDocument, {})).divergences.nodes;
}

function expectedOf({ kind, class: found, differs }: Drift, status: string) {
  const facts = differs.map((name) => expect.objectContaining({ name, differs: true }));
  return expect.objectContaining({ kind, class: found, status, ...(facts.length === 0 ? {} : { facts: expect.arrayContaining(facts) }) });
}
