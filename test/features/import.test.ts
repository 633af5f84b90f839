import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TilledCustomer, TilledPaymentMethod, TilledSubscription } from '../../src/tilled/tilled.shapes.js';
import { billing, type Ending, inherited } from '../support/processes.js';
import { countsOfApp } from '../support/tables.js';
import { type TestApp, VISA, World } from '../support/world.js';

const FUTURE = '2027-01-31T00:00:00.000Z';
const MAPPING = `
customers:
  columns: { No: externalId, Mail: email, Who: name, Tilled: tilledCustomerId, Tier: metadata.tier }
  constants: { metadata.source: old-billing }
paymentMethods:
  columns: { No: customerExternalId, Method: tilledPaymentMethodId, Main: isDefault }
  values: { isDefault: { "yes": true, "no": false } }
subscriptions:
  columns: { No: customerExternalId, Sub: tilledSubscriptionId, Ref: externalId, State: status, Cents: priceMinor, Per: intervalUnit, Begins: billingCycleAnchor }
  constants: { currency: usd }
  values: { status: { live: active, waiting: pending }, intervalUnit: { monthly: month } }
`;

let world: World;
let app: TestApp;
let folder: string;

/** What an import answered as JSON, and how it ended. */
async function imports(args: readonly string[], of = app): Promise<Ending & { answer: Record<string, never> }> {
  const report = path.join(folder, 'report.jsonl');
  const ending = await billing(['import', '--app', of.id, '--report', report, '--json', ...args], world.environment);
  return { ...ending, answer: JSON.parse(ending.stdout || 'null') };
}

async function file(name: string, text: string): Promise<string> {
  const where = path.join(folder, name);
  await writeFile(where, text);
  return where;
}

async function reported(): Promise<Record<string, unknown>[]> {
  const text = await readFile(path.join(folder, 'report.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** A customer with a card and a subscription that begins later, all at Tilled only. */
async function atTilled(email: string, of = app) {
  const customer = (await world.tilled(of, 'POST', '/v1/customers', { email, first_name: 'Ann', last_name: 'Lee' })) as TilledCustomer;
  const card = await world.newCard(of);
  await world.tilled(of, 'PUT', `/v1/payment-methods/${card}/attach`, { customer_id: customer.id });
  const subscription = (await world.tilled(of, 'POST', '/v1/subscriptions', {
    ...{ customer_id: customer.id, payment_method_id: card, price: 1990, currency: 'usd', interval_unit: 'month', interval_count: 1 },
    billing_cycle_anchor: FUTURE,
  })) as TilledSubscription;
  return { customer, card, subscription };
}

/** The three files of some customers that are at Tilled already, and of others that have neither card nor subscription, as arguments. */
async function filesOf(people: readonly Awaited<ReturnType<typeof atTilled>>[], more: readonly TilledCustomer[] = []): Promise<string[]> {
  const all = [...people.map(({ customer }) => customer), ...more];
  const customers = all.map((customer, index) => `${index},${customer.email},Ann Lee,${customer.id},gold`);
  const methods = people.map(({ card }, index) => `${index},${card},yes`);
  const subscriptions = people.map(({ subscription }, index) => `${index},${subscription.id},waiting,1990,monthly`);
  return [
    ...['--customers', await file('c.csv', ['No,Mail,Who,Tilled,Tier', ...customers].join('\n'))],
    ...['--payment-methods', await file('p.csv', ['No,Method,Main', ...methods].join('\n'))],
    ...['--subscriptions', await file('s.csv', ['No,Sub,State,Cents,Per', ...subscriptions].join('\n'))],
    ...['--mapping', await file('m.yaml', MAPPING)],
  ];
}

function people(count: number) {
  return Promise.all(Array.from({ length: count }, (_, index) => atTilled(`p${index}@example.com`)));
}

function customersAtTilled(count: number) {
  const emails = Array.from({ length: count }, (_, index) => `c${index}@example.com`);
  return Promise.all(emails.map((email) => world.tilled(app, 'POST', '/v1/customers', { email }) as Promise<TilledCustomer>));
}

async function moneyMoved(): Promise<unknown> {
  return ((await world.tilled(app, 'GET', '/v1/payment-intents')) as { total: number }).total;
}

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  folder = await mkdtemp(path.join(tmpdir(), 'billing-import-'));
});
afterAll(() => world.close());

describe('billing import of what is at Tilled already', () => {
  it('adopts customers, methods and subscriptions once, marks them at Tilled, and equals Tilled by --verify', async () => {
    const args = await filesOf(await people(3));
    const { status, answer, stderr } = await imports(args);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^Run imp_\w+\./)]);
    expect(answer).toMatchObject({
      counts: { customers: { made: 3 }, paymentMethods: { made: 3 }, subscriptions: { made: 3 } },
      problems: 0,
    });
    const [customer] = await world.rows('billing_customers', app);
    expect(customer).toMatchObject({ email: 'p0@example.com', name: 'Ann Lee', external_id: '0' });
    expect(JSON.parse(String(customer?.['metadata']))).toEqual({ tier: 'gold', source: 'old-billing' });
    const theirs = await world.tilled(app, 'GET', `/v1/customers/${customer?.['tilled_customer_id']}`);
    expect(theirs).toMatchObject({ metadata: { billing_app_id: app.id, billing_id: customer?.['id'] } });
    // The same name and address in other letters are no difference.
    const written = { email: 'P0@Example.com', first_name: 'Ann ', last_name: ' Lee' };
    await world.tilled(app, 'PATCH', `/v1/customers/${customer?.['tilled_customer_id']}`, written);
    const verified = await imports(['--verify', answer['run'] ?? '']);
    expect([verified.status, verified.answer]).toEqual([0, expect.objectContaining({ isOk: true })]);
    expect(JSON.stringify(verified.answer)).toContain('usd month 1: 5970 (source 5970)');
    const before = await countsOfApp(world, app);
    expect((await imports(args)).answer).toMatchObject({ run: answer['run'], isResumed: true });
    expect(await countsOfApp(world, app)).toEqual(before);
    expect(await moneyMoved()).toBe(0);
  });

  it('makes webhooks find what was adopted, and says with --verify what does not equal Tilled any more', async () => {
    const [person] = await people(1);
    const { answer } = await imports(await filesOf(person === undefined ? [] : [person]));
    await world.tilled(app, 'POST', `/v1/subscriptions/${person?.subscription.id}/pause`, {});
    await world.settle();
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ status: 'PAUSED' }]);
    await world.tilled(app, 'PATCH', `/v1/subscriptions/${person?.subscription.id}`, { price: 2990 });
    const verified = await imports(['--verify', answer['run'] ?? '']);
    expect(verified.status).toBe(1);
    expect(JSON.stringify(verified.answer)).toContain('1 differences among 1');
  });

  it('goes on after kill -9 in the middle, with the same run and nothing doubled', async () => {
    const args = await filesOf(await people(5), await customersAtTilled(105));
    await killedInTheMiddle(['import', '--app', app.id, '--report', path.join(folder, 'killed.jsonl'), ...args]);
    const partly = (await world.rows('billing_customers', app)).length;
    expect([partly > 0, partly < 110]).toEqual([true, true]);
    const { status, answer } = await imports(args);
    expect([status, answer]).toEqual([0, expect.objectContaining({ isResumed: true })]);
    expect(await countsOfApp(world, app)).toMatchObject({
      ...{ billing_imports: 1, billing_import_items: 120 },
      ...{ billing_customers: 110, billing_payment_methods: 5, billing_subscriptions: 5 },
    });
    const listed = (await world.tilled(app, 'GET', `/v1/customers?limit=1&metadata[billing_app_id]=${app.id}`)) as { total: number };
    expect(listed.total).toBe(110);
  });

  it("refuses by its line what differs from Tilled, is another account's or bears another app's mark, and brings in the others", async () => {
    const theirs = await atTilled('theirs@example.com', await world.app());
    const shared = await world.gateway.access.createApp({ id: `${app.id}-b`, name: 'Sharing', tilledAccountId: app.accountId });
    const [marked] = await customersAtTilled(1);
    const metadata = { billing_app_id: shared.id, billing_id: 'cus_x' };
    await world.tilled(app, 'PATCH', `/v1/customers/${marked?.id}`, { metadata });
    const args = await filesOf(await people(2), [theirs.customer, ...(marked === undefined ? [] : [marked])]);
    await file('s.csv', (await readFile(path.join(folder, 's.csv'), 'utf8')).replace('1990,monthly', '990,monthly'));
    const { status, answer } = await imports(args);
    const counts = { customers: { made: 2, failed: 2 }, paymentMethods: { made: 2 }, subscriptions: { made: 1, failed: 1 } };
    expect([status, answer]).toMatchObject([1, { counts }]);
    expect((await reported()).map(({ noun, line, problem }) => [noun, line, problem])).toEqual([
      ['customers', 4, expect.stringContaining('Tilled has no customer')],
      ['customers', 5, expect.stringContaining('mark of another app')],
      ['subscriptions', 2, "It differs from Tilled's in priceMinor."],
    ]);
    const emails = (await world.rows('billing_customers', app)).map(({ email }) => email);
    expect(emails).toEqual(['p0@example.com', 'p1@example.com']);
  });
});

describe('billing import --from-tilled', () => {
  it('adopts the whole account, leaves rows of ours, and finds what is new the next time', async () => {
    const { id } = await world.customer(app, { email: 'ours@example.com' });
    await people(2);
    const first = await imports(['--from-tilled']);
    expect(first.answer).toMatchObject({
      counts: { customers: { made: 2, existing: 1 }, paymentMethods: { made: 2 }, subscriptions: { made: 2 } },
    });
    expect(await world.rows('billing_customers', app)).toContainEqual(expect.objectContaining({ id, email: 'ours@example.com' }));
    expect((await imports(['--verify', first.answer['run'] ?? ''])).status).toBe(0);
    await atTilled('later@example.com');
    const second = await imports(['--from-tilled']);
    expect(second.answer).toMatchObject({ isResumed: false, counts: { customers: { made: 1, existing: 3 } } });
  });

  it('writes nothing with --dry-run, here or there, and says what it would make', async () => {
    await people(2);
    await world.settle();
    const before = await countsOfApp(world, app);
    const { status, answer } = await imports(['--from-tilled', '--dry-run']);
    expect([status, answer]).toMatchObject([
      0,
      { run: null, counts: { customers: { made: 2 }, paymentMethods: { made: 2 }, subscriptions: { made: 2 } } },
    ]);
    expect(await countsOfApp(world, app)).toEqual(before);
    expect(JSON.stringify(await world.tilled(app, 'GET', '/v1/customers'))).not.toContain('billing_id');
  });
});

describe('billing import of what Tilled does not have yet', () => {
  const CUSTOMERS = 'externalId,email,name\nx1,new@example.com,New One\n';
  const header = 'externalId,customerExternalId,priceMinor,currency,intervalUnit,billingCycleAnchor';

  it('makes customers once, attaches their methods, and makes subscriptions only when told to, only in the future, and once', async () => {
    const card = await world.newCard(app);
    const common = [
      ...['--customers', await file('c.csv', CUSTOMERS)],
      ...['--payment-methods', await file('p.jsonl', JSON.stringify({ tilledPaymentMethodId: card, customerExternalId: 'x1' }))],
    ];
    const subscriptions = await file('s.csv', `${header}\ns1,x1,1990,usd,month,${FUTURE}\n`);
    const untold = await imports([...common, '--subscriptions', subscriptions]);
    expect([untold.status, JSON.stringify(await reported())]).toEqual([1, expect.stringContaining('--create-subscriptions')]);
    const past = await file('past.csv', `${header}\ns1,x1,1990,usd,month,2026-01-01T00:00:00Z\n`);
    expect((await imports([...common, '--subscriptions', past, '--create-subscriptions'])).status).toBe(1);
    expect(await world.rows('billing_customers', app)).toEqual([]);
    const told = await imports([...common, '--subscriptions', subscriptions, '--create-subscriptions']);
    const counts = { customers: { created: 1 }, paymentMethods: { created: 1 }, subscriptions: { created: 1 } };
    expect([told.status, told.answer]).toMatchObject([0, { counts }]);
    const method = (await world.tilled(app, 'GET', `/v1/payment-methods/${card}`)) as TilledPaymentMethod;
    expect(await world.rows('billing_customers', app)).toMatchObject([{ tilled_customer_id: method.customer_id }]);
    await file('c.csv', `${CUSTOMERS}x2,two@example.com,\n`);
    expect((await imports([...common, '--subscriptions', subscriptions, '--create-subscriptions'])).answer).toMatchObject({
      counts: { customers: { created: 1, existing: 1 }, paymentMethods: { existing: 1 }, subscriptions: { existing: 1 } },
    });
    const totalOf = async (path: string) => ((await world.tilled(app, 'GET', path)) as { total: number }).total;
    expect([await moneyMoved(), await totalOf('/v1/customers'), await totalOf('/v1/subscriptions')]).toEqual([0, 2, 1]);
  });
});

describe('the report of billing import', () => {
  it('names every problem of every line, never repeats a card or bank number, and nothing is imported', async () => {
    const iban = 'DE89370400440532013000';
    const rows = [
      'externalId,email,tilledCustomerId,note,IBAN',
      '1,not-an-address,,,',
      '1,a@example.com,cu_1,,',
      ',b@example.com,,,',
      `6,a@example.com,,${VISA},`,
      `7,a@example.com,,4111 1111 1111 1111,`,
      `8,a@example.com,,${iban},`,
      `9,a@example.com,,,${iban}`,
      '10,a@example.com,,1700000000000,',
      '4,c@example.com',
      '"5',
      '',
    ];
    const { status, answer, stdout, stderr } = await imports(['--customers', await file('c.csv', rows.join('\r\n')), '--show', '2']);
    expect([status, answer]).toMatchObject([1, { run: null, lines: { customers: 10 } }]);
    expect(answer['shown']).toHaveLength(2);
    expect((await reported()).map(({ line, field }) => [line, field])).toEqual([
      [2, 'email'],
      [3, 'tilledCustomerId'],
      [4, null],
      [5, 'note'],
      [6, 'note'],
      [8, 'IBAN'],
      [10, null],
      [11, null],
    ]);
    const report = await readFile(path.join(folder, 'report.jsonl'), 'utf8');
    for (const number of [VISA, '4111 1111', iban]) expect(stdout + stderr + report).not.toContain(number);
    expect(await world.rows('billing_imports', app)).toEqual([]);
  });

  it('names a mapping that leads nowhere', async () => {
    const mapping = await file('m.yaml', 'customers: { columns: { A: nowhere } }');
    const customers = await file('c.csv', 'A\n1\n');
    const { status, stderr } = await imports(['--customers', customers, '--mapping', mapping]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no field nowhere/);
  });
});

describe('billing import --rollback', () => {
  it('takes back what the run made and its marks, leaves Tilled as it was, and what was written down about it stays', async () => {
    const both = await people(2);
    const args = await filesOf(both);
    const { answer } = await imports(args);
    const told = await world.rows('billing_events', app);
    const undone = await imports(['--rollback', answer['run'] ?? '']);
    const rolledBack = { customers: 2, paymentMethods: 2, subscriptions: 2 };
    expect([undone.status, undone.answer]).toMatchObject([0, { rolledBack, stays: 0 }]);
    for (const table of ['billing_customers', 'billing_payment_methods', 'billing_subscriptions'])
      expect([table, await world.rows(table, app)]).toEqual([table, []]);
    const events = await world.rows('billing_events', app);
    expect(events.slice(0, told.length)).toEqual(told);
    const removals = events.slice(told.length).filter(({ type }) => String(type).endsWith('.removed'));
    const nouns = ['customer', 'customer', 'payment_method', 'payment_method', 'subscription', 'subscription'];
    expect(removals.map(({ type }) => type).toSorted()).toEqual(nouns.map((noun) => `${noun}.removed`));
    for (const { customer, subscription } of both) {
      const found = await world.tilled(app, 'GET', `/v1/subscriptions/${subscription.id}`);
      expect(found).toMatchObject({ status: subscription.status, metadata: null });
      expect(await world.tilled(app, 'GET', `/v1/customers/${customer.id}`)).toMatchObject({ metadata: null });
    }
  });

  it('leaves what something was built on, and says why; then the same command is another run', async () => {
    const args = await filesOf(await people(2));
    const { answer } = await imports(args);
    const [first] = await world.rows('billing_customers', app);
    await world.payment(app, String(first?.['id']));
    const undone = await imports(['--rollback', answer['run'] ?? '']);
    const rolledBack = { customers: 1, paymentMethods: 1, subscriptions: 2 };
    expect([undone.status, undone.answer]).toMatchObject([1, { rolledBack, stays: 2 }]);
    expect((await reported()).map((line) => line['reason'])).toEqual([
      expect.stringMatching(/the payment pay_\w+ was built on it/),
      expect.stringMatching(/the payment pay_\w+ was built on it/),
    ]);
    expect(await world.rows('billing_customers', app)).toMatchObject([{ id: first?.['id'] }]);
    const counts = { customers: { made: 1, existing: 1 }, paymentMethods: { made: 1, existing: 1 }, subscriptions: { made: 2 } };
    expect((await imports(args)).answer).toMatchObject({ isResumed: false, counts });
  });

  it('makes anew what was rolled back: a subscription is canceled with its run, collected by the next, and --verify sees which', async () => {
    const card = await world.newCard(app);
    const subscription = 'externalId,customerExternalId,priceMinor,currency,intervalUnit,billingCycleAnchor';
    const args = [
      ...['--customers', await file('c.csv', 'externalId,email\nx1,new@example.com\nx2,alone@example.com\n'), '--create-subscriptions'],
      ...['--payment-methods', await file('p.jsonl', JSON.stringify({ tilledPaymentMethodId: card, customerExternalId: 'x1' }))],
      ...['--subscriptions', await file('s.csv', `${subscription}\ns1,x1,1990,usd,month,${FUTURE}\n`)],
    ];
    const first = await imports(args);
    const run = first.answer['run'] ?? '';
    expect((await imports(['--verify', run])).status).toBe(0);
    const undone = await imports(['--rollback', run]);
    // What is detached could never be attached again, so the card stays, and its customer; alone@ goes.
    const rolledBack = { customers: 1, paymentMethods: 0, subscriptions: 1 };
    expect([undone.status, undone.answer]).toMatchObject([0, { rolledBack, stays: 0, kept: 2 }]);
    expect(await world.rows('billing_subscriptions', app)).toEqual([]);
    const again = await imports(args);
    const counts = { customers: { created: 1, existing: 1 }, paymentMethods: { existing: 1 }, subscriptions: { created: 1, existing: 0 } };
    expect([again.status, again.answer]).toMatchObject([0, { isResumed: false, counts }]);
    const theirs = (await world.tilled(app, 'GET', '/v1/subscriptions')) as { items: { status: string }[] };
    expect(theirs.items.map(({ status }) => status).toSorted()).toEqual(['canceled', 'pending']);
    expect((await imports(['--verify', again.answer['run'] ?? ''])).status).toBe(0);
    const [live] = await world.rows('billing_subscriptions', app);
    await world.tilled(app, 'POST', `/v1/subscriptions/${live?.['tilled_subscription_id']}/cancel`, {});
    await world.settle();
    const verified = await imports(['--verify', again.answer['run'] ?? '']);
    expect([verified.status, JSON.stringify(verified.answer)]).toEqual([1, expect.stringContaining('1 of 1 have ended')]);
  });

  it('asks Tilled of several objects at once', async () => {
    const { answer } = await imports(await filesOf([], await customersAtTilled(32)));
    await world.control('faults', { operation: 'PATCH /v1/customers/:id', delayMs: 1_000, times: 32 });
    const started = performance.now();
    const undone = await imports(['--rollback', answer['run'] ?? '']);
    expect([undone.stderr, undone.answer]).toMatchObject(['', { rolledBack: { customers: 32 }, stays: 0 }]);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('stops an import that still runs, which leaves no mark behind, and keeps the same import from beginning before it ended', async () => {
    const [customer] = await customersAtTilled(1);
    const args = await filesOf([], customer === undefined ? [] : [customer]);
    await world.control('faults', { operation: 'PATCH /v1/customers/:id', delayMs: 12_000, times: 1 });
    const importing = billing(['import', '--app', app.id, '--report', path.join(folder, 'late.jsonl'), ...args], world.environment);
    await world.until(async () => (await world.rows('billing_customers', app)).length > 0);
    const [run] = await world.rows('billing_imports', app);
    expect((await imports(['--rollback', String(run?.['id'])])).answer).toMatchObject({ rolledBack: { customers: 1 }, stays: 0 });
    expect(await importing).toMatchObject({ status: 1, stderr: expect.stringContaining('this one has stopped') });
    expect(await world.tilled(app, 'GET', `/v1/customers/${customer?.id}`)).toMatchObject({ metadata: null });
    await world.gateway.database.run("update billing_imports set state = 'rolling_back' where app_id = ?", [app.id]);
    expect(await imports(args)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`finish that first with --rollback ${run?.['id']}`),
    });
  });
});

/** Starts an import and kills it once some customers are here. */
async function killedInTheMiddle(args: readonly string[]): Promise<void> {
  const program = path.resolve(import.meta.dirname, '../../bin/billing.mjs');
  const child = spawn(process.execPath, [program, ...args], { env: { ...inherited(), ...world.environment }, stdio: 'ignore' });
  const ended = once(child, 'close');
  await world.until(async () => (await world.rows('billing_customers', app)).length > 0);
  child.kill('SIGKILL');
  await ended;
}

afterAll(() => rm(folder, { recursive: true, force: true }));
