import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TilledCustomer, TilledPaymentMethod, TilledSubscription } from '../../src/tilled/tilled.shapes.js';
import { billing, type Ending } from '../support/processes.js';
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

/** The three files of some customers that are at Tilled already, as arguments. */
async function filesOf(people: readonly Awaited<ReturnType<typeof atTilled>>[]): Promise<string[]> {
  const customers = people.map(({ customer }, index) => `${index},${customer.email},Ann Lee,${customer.id},gold`);
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
  it('adopts customers, methods and subscriptions, marks them at Tilled, and equals Tilled by --verify', async () => {
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
    const verified = await imports(['--verify', answer['run'] ?? '']);
    expect([verified.status, verified.answer]).toEqual([0, expect.objectContaining({ isOk: true })]);
    expect(JSON.stringify(verified.answer)).toContain('usd month 1: 5970 (source 5970)');
    expect(await moneyMoved()).toBe(0);
  });

  it('makes webhooks find what was adopted', async () => {
    const [person] = await people(1);
    await imports(await filesOf(person === undefined ? [] : [person]));
    await world.tilled(app, 'POST', `/v1/subscriptions/${person?.subscription.id}/pause`, {});
    await world.settle();
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ status: 'PAUSED' }]);
  });

  it('says with --verify what does not equal Tilled any more', async () => {
    const [person] = await people(1);
    const { answer } = await imports(await filesOf(person === undefined ? [] : [person]));
    await world.tilled(app, 'PATCH', `/v1/subscriptions/${person?.subscription.id}`, { price: 2990 });
    const verified = await imports(['--verify', answer['run'] ?? '']);
    expect(verified.status).toBe(1);
    expect(JSON.stringify(verified.answer)).toContain('1 differences among 1');
  });

  it('does nothing twice: a second run of the same command is the same run', async () => {
    const args = await filesOf(await people(2));
    const first = await imports(args);
    const before = await countsOfApp(world, app);
    const second = await imports(args);
    expect(second.answer).toMatchObject({ run: first.answer['run'], isResumed: true });
    expect(await countsOfApp(world, app)).toEqual(before);
  });

  it('goes on after kill -9 in the middle, with the same run and nothing doubled', async () => {
    const args = await filesOf(await people(120));
    await killedInTheMiddle(['import', '--app', app.id, '--report', path.join(folder, 'killed.jsonl'), ...args]);
    const partly = (await world.rows('billing_customers', app)).length;
    expect([partly > 0, partly < 120]).toEqual([true, true]);
    const { status, answer } = await imports(args);
    expect([status, answer]).toEqual([0, expect.objectContaining({ isResumed: true })]);
    expect(await countsOfApp(world, app)).toMatchObject({
      ...{
        billing_imports: 1,
        billing_import_items: 360,
        billing_customers: 120,
        billing_payment_methods: 120,
        billing_subscriptions: 120,
      },
    });
    const listed = (await world.tilled(app, 'GET', `/v1/customers?limit=1&metadata[billing_app_id]=${app.id}`)) as { total: number };
    expect(listed.total).toBe(120);
  });

  it('refuses a line that differs from Tilled, by its line, and brings in the others', async () => {
    const args = await filesOf(await people(2));
    await file('s.csv', (await readFile(path.join(folder, 's.csv'), 'utf8')).replace('1990,monthly', '990,monthly'));
    const { status, answer } = await imports(args);
    expect([status, answer]).toMatchObject([1, { counts: { subscriptions: { made: 1, failed: 1 } } }]);
    expect(await reported()).toMatchObject([{ noun: 'subscriptions', line: 2, problem: "It differs from Tilled's in priceMinor." }]);
  });

  it('takes nothing of another account, and nothing that carries the mark of another app on the same account', async () => {
    const other = await world.app();
    const theirs = await atTilled('theirs@example.com', other);
    const shared = await world.gateway.access.createApp({ id: `${app.id}-b`, name: 'Sharing', tilledAccountId: app.accountId });
    const [marked] = await people(1);
    await world.tilled(app, 'PATCH', `/v1/customers/${marked?.customer.id}`, {
      metadata: { billing_app_id: shared.id, billing_id: 'cus_x' },
    });
    const rows = [`1,a@example.com,${theirs.customer.id}`, `2,b@example.com,${marked?.customer.id}`];
    await imports(['--customers', await file('c.csv', ['externalId,email,tilledCustomerId', ...rows].join('\n'))]);
    expect((await reported()).map((line) => line['problem'])).toEqual([
      expect.stringContaining('Tilled has no customer'),
      expect.stringContaining('mark of another app'),
    ]);
    expect(await world.rows('billing_customers', app)).toEqual([]);
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

  it('makes customers at Tilled once, attaches their methods, and leaves those that are here', async () => {
    const card = await world.newCard(app);
    const args = [
      ...['--customers', await file('c.csv', CUSTOMERS)],
      ...['--payment-methods', await file('p.jsonl', JSON.stringify({ tilledPaymentMethodId: card, customerExternalId: 'x1' }))],
    ];
    expect((await imports(args)).answer).toMatchObject({ counts: { customers: { created: 1 }, paymentMethods: { created: 1 } } });
    await file('c.csv', `${CUSTOMERS}x2,two@example.com,\n`);
    expect((await imports(args)).answer).toMatchObject({ counts: { customers: { created: 1, existing: 1 } } });
    const method = (await world.tilled(app, 'GET', `/v1/payment-methods/${card}`)) as TilledPaymentMethod;
    expect(await world.rows('billing_customers', app)).toContainEqual(expect.objectContaining({ tilled_customer_id: method.customer_id }));
    expect(((await world.tilled(app, 'GET', '/v1/customers')) as { total: number }).total).toBe(2);
  });

  it('makes subscriptions only when told to, only in the future, once, and collects nothing', async () => {
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
    expect([told.status, told.answer]).toMatchObject([0, { counts: { subscriptions: { created: 1 } } }]);
    await file('s.csv', `${header}\ns1,x1,1990,usd,month,${FUTURE}\n\n`);
    expect((await imports([...common, '--subscriptions', subscriptions, '--create-subscriptions'])).answer).toMatchObject({
      counts: { subscriptions: { existing: 1 } },
    });
    expect([await moneyMoved(), ((await world.tilled(app, 'GET', '/v1/subscriptions')) as { total: number }).total]).toEqual([0, 1]);
  });
});

describe('the report of billing import', () => {
  it('names every problem of every line, and nothing is imported', async () => {
    const rows = [
      'externalId,email,tilledCustomerId',
      '1,not-an-address,',
      '1,a@example.com,cu_1',
      ',b@example.com,',
      '4,c@example.com',
      '"5',
      '',
    ];
    const { status, answer } = await imports(['--customers', await file('c.csv', rows.join('\r\n')), '--show', '2']);
    expect([status, answer]).toMatchObject([1, { run: null, lines: { customers: 5 } }]);
    expect(answer['shown']).toHaveLength(2);
    expect((await reported()).map(({ line, field }) => [line, field])).toEqual([
      [2, 'email'],
      [3, 'tilledCustomerId'],
      [4, null],
      [5, null],
      [6, null],
    ]);
    expect(await world.rows('billing_imports', app)).toEqual([]);
  });

  it('refuses card and bank numbers wherever they are, and never repeats them', async () => {
    const iban = 'DE89370400440532013000';
    const rows = [
      'externalId,email,note,Account Number',
      `1,a@example.com,${VISA},`,
      `2,a@example.com,4111 1111 1111 1111,`,
      `3,a@example.com,${iban},`,
      '4,a@example.com,,12345',
      '5,a@example.com,1700000000000,',
    ];
    const { stdout, stderr } = await imports(['--customers', await file('c.csv', rows.join('\n')), '--dry-run']);
    const report = await readFile(path.join(folder, 'report.jsonl'), 'utf8');
    expect((await reported()).map(({ line, field }) => [line, field])).toEqual([
      [2, 'note'],
      [3, 'note'],
      [4, 'note'],
      [5, 'Account Number'],
    ]);
    for (const number of [VISA, '4111 1111', iban, '12345']) expect(stdout + stderr + report).not.toContain(number);
  });

  it('names a mapping that leads nowhere', async () => {
    const mapping = await file('m.yaml', 'customers: { columns: { A: nowhere, Card_Number: metadata.card } }');
    const customers = await file('c.csv', 'A\n1\n');
    const { status, stderr } = await imports(['--customers', customers, '--mapping', mapping]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no field nowhere.*Card_Number holds card or bank numbers/s);
  });
});

describe('billing import --rollback', () => {
  it('takes back what the run made and its marks, and leaves Tilled as it was', async () => {
    const [person] = await people(1);
    const { answer } = await imports(await filesOf(person === undefined ? [] : [person]));
    const undone = await imports(['--rollback', answer['run'] ?? '']);
    expect([undone.status, undone.answer]).toMatchObject([
      0,
      { rolledBack: { customers: 1, paymentMethods: 1, subscriptions: 1 }, stays: 0 },
    ]);
    for (const table of ['billing_customers', 'billing_payment_methods', 'billing_subscriptions', 'billing_events'])
      expect([table, await world.rows(table, app)]).toEqual([table, []]);
    const subscription = await world.tilled(app, 'GET', `/v1/subscriptions/${person?.subscription.id}`);
    expect(subscription).toMatchObject({ status: person?.subscription.status, metadata: null });
    expect(await world.tilled(app, 'GET', `/v1/customers/${person?.customer.id}`)).toMatchObject({ metadata: null });
    const again = await imports(await filesOf(person === undefined ? [] : [person]));
    expect(again.answer).toMatchObject({ isResumed: false, counts: { subscriptions: { made: 1 } } });
  });

  it('leaves what something was built on or that was changed, and says why', async () => {
    const args = await filesOf(await people(2));
    const { answer } = await imports(args);
    const [first] = await world.rows('billing_customers', app);
    await world.payment(app, String(first?.['id']));
    const undone = await imports(['--rollback', answer['run'] ?? '']);
    expect([undone.status, undone.answer]).toMatchObject([
      1,
      { rolledBack: { customers: 1, paymentMethods: 1, subscriptions: 2 }, stays: 2 },
    ]);
    expect((await reported()).map((line) => line['reason'])).toEqual([
      expect.stringMatching(/the payment pay_\w+ was built on it/),
      expect.stringMatching(/the payment pay_\w+ was built on it/),
    ]);
    expect(await world.rows('billing_customers', app)).toMatchObject([{ id: first?.['id'] }]);
  });
});

/** Starts an import and kills it once some customers are here. */
async function killedInTheMiddle(args: readonly string[]): Promise<void> {
  const program = path.resolve(import.meta.dirname, '../../bin/billing.mjs');
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'], ...world.environment }, stdio: 'ignore' });
  const ended = once(child, 'close');
  await world.until(async () => (await world.rows('billing_customers', app)).length > 0);
  child.kill('SIGKILL');
  await ended;
}

afterAll(() => rm(folder, { recursive: true, force: true }));
