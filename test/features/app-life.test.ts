import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Manifest } from '../../src/backoffice/app-life/app-export.js';
import { furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

interface ListPage {
  readonly nodes: Record<string, unknown>[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

let world: World;
let directory: string;

beforeAll(async () => {
  world = await World.create();
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_life_'));
});
afterAll(async () => {
  await world.close({ divergences: 1 });
  await rm(directory, { recursive: true, force: true });
});

async function command(...args: readonly string[]) {
  return billing(['apps', ...args], world.environment);
}

async function suspend(app: TestApp): Promise<void> {
  await world.gateway.appLife.suspend(await world.scope(app));
}

async function resume(app: TestApp): Promise<void> {
  await world.gateway.appLife.resume(await world.scope(app));
}

/** The codes that a mutation is refused with. */
async function codes<Data extends object, Input>(
  app: TestApp,
  document: TypedDocumentNode<Data, { input: Input }>,
  input: Input,
): Promise<string[]> {
  const payloads = Object.values(await world.ask(app, document, { input })) as { userErrors?: { code: string }[] }[];
  return payloads.flatMap(({ userErrors = [] }) => userErrors.map(({ code }) => code));
}

describe('an app that is suspended', () => {
  let app: TestApp;
  let customerId: string;
  let held: string[];
  let paid: string;
  let live: string;
  let ending: string;
  let paused: string;
  let events: number;

  beforeAll(async () => {
    app = await world.app();
    customerId = (await world.payer(app)).customer.id;
    paid = (await world.payment(app, customerId, { idempotencyKey: 'begun before' })).id;
    const holds = [1, 2].map(() => world.payment(app, customerId, { captureMethod: 'MANUAL' }));
    held = (await Promise.all(holds)).map(({ id }) => id);
    live = (await world.subscription(app, customerId)).id;
    ending = (await world.subscription(app, customerId)).id;
    paused = (await world.subscription(app, customerId)).id;
    await world.settle();
    await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: ending, mode: 'AT_PERIOD_END' } });
    await world.ask(app, ops.SubscriptionPauseDocument, { input: { id: paused } });
    await world.settle();
    events = (await world.rows('billing_webhooks', app)).length;
    await suspend(app);
  });

  it('is refused whatever takes money or arranges that some is taken, and nothing is asked of Tilled', async () => {
    const before = (await world.tilled(app, 'GET', '/v1/payment-intents')) as { items: unknown[] };
    expect(await codes(app, ops.PaymentCreateDocument, { customerId, amount: usd(100) })).toEqual(['APP_SUSPENDED']);
    expect(await codes(app, ops.PaymentCaptureDocument, { id: held[0] ?? '' })).toEqual(['APP_SUSPENDED']);
    expect(await codes(app, ops.SubscriptionCreateDocument, { customerId, price: usd(100) })).toEqual(['APP_SUSPENDED']);
    expect(await codes(app, ops.SubscriptionUpdateDocument, { id: live, price: usd(100) })).toEqual(['APP_SUSPENDED']);
    expect(await codes(app, ops.SubscriptionReactivateDocument, { id: ending })).toEqual(['APP_SUSPENDED']);
    expect(await codes(app, ops.SubscriptionResumeDocument, { id: paused })).toEqual(['APP_SUSPENDED']);
    expect(await world.tilled(app, 'GET', '/v1/payment-intents')).toMatchObject({ items: before.items });
  });

  it('is told since when, and reads all it has', async () => {
    const answer = await world.post({ query: '{ app { suspendedAt } payments { nodes { id } } }' }, { credential: app.key });
    const nodes = expect.arrayContaining([{ id: paid }]);
    expect(answer).toMatchObject({ data: { app: { suspendedAt: world.sandbox.now().toISOString() }, payments: { nodes } }, errors: [] });
  });

  it('gets the outcome of what was begun before, by its key', async () => {
    const input = { customerId, amount: usd(5_000), idempotencyKey: 'begun before' };
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input });
    expect(paymentCreate).toMatchObject({ payment: { id: paid }, replayed: true, userErrors: [] });
  });

  it('gives back and ends what its customers are owed: refunds, holds, subscriptions', async () => {
    expect(await codes(app, ops.RefundCreateDocument, { paymentId: paid, amount: usd(100) })).toEqual([]);
    expect(await codes(app, ops.PaymentCancelDocument, { id: held[1] ?? '' })).toEqual([]);
    expect(await codes(app, ops.SubscriptionPauseDocument, { id: live })).toEqual([]);
    expect(await codes(app, ops.SubscriptionCancelDocument, { id: paused, mode: 'IMMEDIATELY' })).toEqual([]);
    expect(await codes(app, ops.CustomerUpdateDocument, { id: customerId, name: 'Ann B. Lee' })).toEqual([]);
  });

  it('still records and handles what Tilled tells', async () => {
    await world.settle();
    const rows = await world.rows('billing_webhooks', app);
    expect(rows.length).toBeGreaterThan(events);
    expect(rows.filter(({ status }) => status !== 'PROCESSED')).toEqual([]);
  });

  it('sells again once it is resumed, with the very key that was refused', async () => {
    const input = { customerId, amount: usd(700), idempotencyKey: 'refused, then paid' };
    expect(await codes(app, ops.PaymentCreateDocument, input)).toEqual(['APP_SUSPENDED']);
    await resume(app);
    expect(await codes(app, ops.PaymentCreateDocument, input)).toEqual([]);
    const events = await world.gateway.database.query(
      "select type from billing_events where app_id = ? and type like 'app.%' order by id",
      [app.id],
    );
    expect(events.map(({ type }) => type)).toEqual(['app.suspended', 'app.resumed']);
  });

  it('is refused in other processes within five seconds, and no other app is', async () => {
    const [other, beside] = [await world.app(), await world.anotherGateway()];
    const customer = (await world.payer(other)).customer.id;
    const pay = (who: TestApp, id: string) =>
      beside.post(
        {
          query: 'mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id } userErrors { code } } }',
          variables: { input: { customerId: id, amount: usd(100) } },
        },
        who.key,
      );
    expect(await pay(app, customerId)).toMatchObject({ data: { paymentCreate: { userErrors: [] } } });
    await suspend(app);
    await suspend(app);
    await world.advance({ ms: 5_001 });
    expect(await pay(app, customerId)).toMatchObject({ data: { paymentCreate: { userErrors: [{ code: 'APP_SUSPENDED' }] } } });
    expect(await pay(other, customer)).toMatchObject({ data: { paymentCreate: { userErrors: [] } } });
    await beside.close();
    await resume(app);
    await world.settle();
  });

  it('is said by the command what goes on: requests, and what Tilled collects', async () => {
    await world.ask(app, ops.SubscriptionResumeDocument, { input: { id: live } });
    await world.settle();
    const { status, stdout } = await command('suspend', app.id);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/APP_SUSPENDED\.\n1 requests.*\n1 subscriptions go on .*2026-04-01T/)]);
    expect((await command('list')).stdout).toMatch(new RegExp(`^${app.id}\t.*suspended 20`, 'm'));
    expect((await command('resume', app.id)).stdout).toBe(`${app.id} sells again.\n`);
    expect((await command('suspend', 'nobody')).stderr).toBe('There is no app nobody.\n');
  });
});

describe('the export of an app', () => {
  let app: TestApp;
  let other: TestApp;
  let to: string;
  let manifest: Manifest;

  beforeAll(async () => {
    [app, other] = [await world.app(), await world.app()];
    await furnish(world, app);
    for (const [index] of Array.from({ length: 120 }).entries())
      await world.customer(app, { email: `customer-${index}@example.com`, metadata: { note: 'ü\n"' } });
    await world.customer(other);
    to = path.join(directory, 'export');
    const { status, stdout, stderr } = await command('export', app.id, '--to', to, '--json');
    expect([status, stderr]).toEqual([0, '']);
    manifest = JSON.parse(stdout) as Manifest;
  });

  const pageOf = async (noun: string, selection: string, after: string | null): Promise<ListPage> => {
    const query = `query($after: String) { page: ${noun}(first: 50, after: $after) { nodes ${selection} pageInfo { hasNextPage endCursor } } }`;
    const { data } = await world.post<{ page: ListPage }>({ query, variables: { after } }, { credential: app.key });
    if (data === null) throw new Error(`There is no page of ${noun}.`);
    return data.page;
  };
  const linesOf = async (noun: string) =>
    (await readFile(path.join(to, `${noun}.jsonl`), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it.each([
    ['customers', '{ id externalId email name metadata createdAt }'],
    ['subscriptions', '{ id status price { amountMinor currency decimal } customer { id } nextPaymentAt version }'],
    [
      'payments',
      '{ id status amount { amountMinor currency decimal } refunded { amountMinor } customer { id } subscription { id } referenceId }',
    ],
    ['refunds', '{ id status amount { amountMinor } payment { id } referenceId }'],
    ['disputes', '{ id status amount { amountMinor } payment { id } evidenceDueAt }'],
  ])('has all %s that the API lists, as it shows them', async (noun, selection) => {
    const listed: Record<string, unknown>[] = [];
    let after: string | null = null;
    do {
      const page: ListPage = await pageOf(noun, selection, after);
      listed.push(...page.nodes);
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    expect(listed.length).toBeGreaterThan(0);
    expect(await linesOf(noun)).toMatchObject(listed);
    expect((await linesOf(noun)).every(({ tilledId }) => typeof tilledId === 'string')).toBe(true);
  });

  it('has the payment methods, events, differences and the audit too', async () => {
    for (const [noun, table] of [
      ['paymentMethods', 'billing_payment_methods'],
      ['webhookEvents', 'billing_webhooks'],
      ['divergences', 'billing_divergences'],
      ['auditEvents', 'billing_events'],
    ] as const) {
      const rows = (await world.rows(table, app)).map(({ id }) => id);
      expect([noun, (await linesOf(noun)).map(({ id }) => id).toSorted()]).toEqual([noun, rows.toSorted()]);
    }
  });

  it('is described by a manifest whose counts and checksums hold', async () => {
    expect(manifest).toMatchObject({ app: { id: app.id, suspendedAt: null, removedAt: null }, schema: expect.stringMatching(/^\d{4}-/) });
    expect(JSON.parse(await readFile(path.join(to, 'manifest.json'), 'utf8'))).toEqual(manifest);
    for (const { file, rows, bytes, sha256 } of manifest.files) {
      const text = await readFile(path.join(to, file));
      const found = [text.toString().split('\n').length - 1, text.length, createHash('sha256').update(text).digest('hex')];
      expect([file, ...found]).toEqual([file, rows, bytes, sha256]);
    }
    expect((await readdir(to)).toSorted()).toEqual(['manifest.json', ...manifest.files.map(({ file }) => file)].toSorted());
  });

  it('has no row of another app, and no secret, and is for its owner alone', async () => {
    const text = (await Promise.all(manifest.files.map(({ file }) => readFile(path.join(to, file), 'utf8')))).join('');
    const foreign = ['billing_customers', 'billing_payments', 'billing_events', 'billing_webhooks'];
    for (const table of foreign) for (const { id } of await world.rows(table, other)) expect(text).not.toContain(String(id));
    expect(text).not.toMatch(/bg_svc_|sk_|whsec_|client_?secret/i);
    const modes = await Promise.all(['.', ...(await readdir(to))].map(async (name) => (await stat(path.join(to, name))).mode & 0o777));
    expect([...new Set(modes)].toSorted()).toEqual([0o600, 0o700]);
  });

  it('overwrites none, and begins anew what was cut off', async () => {
    expect(await command('export', app.id, '--to', to)).toMatchObject({ status: 1, stderr: expect.stringContaining('is there already') });
    expect(await readdir(directory)).not.toContain(`${path.basename(to)}.part`);
    const cut = path.join(directory, 'cut');
    await world.gateway.appExport.write(await world.scope(app), `${cut}.part`, () => undefined);
    const { status } = await command('export', app.id, '--to', cut);
    expect([status, (await readdir(cut)).length]).toEqual([0, manifest.files.length + 1]);
  });
});

describe('the removal of an app', () => {
  let app: TestApp;
  let session: string;

  beforeAll(async () => {
    app = await world.app();
    const { customer } = await world.payer(app);
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId: customer.id } });
    session = customerSessionCreate.token ?? '';
    await world.gateway.webhooks.endpoints.register(await world.scope(app), `${world.url}/api/billing/webhooks/${app.id}`);
    await world.payment(app, customer.id);
    await world.settle();
  });

  it('is refused while it sells, and while anything of it is not over, all of which is said', async () => {
    expect(await command('remove', app.id, '--yes', app.id)).toMatchObject({ status: 1, stderr: expect.stringContaining('not suspended') });
    const [customer] = await world.rows('billing_customers', app);
    const customerId = String(customer?.['id']);
    const { id: subscription } = await world.subscription(app, customerId);
    const { id: hold } = await world.payment(app, customerId, { captureMethod: 'MANUAL' });
    await world.settle();
    await suspend(app);
    await world.advance({ ms: 10_000 });
    const { status, stderr } = await command('remove', app.id, '--yes', app.id);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/1 subscriptions live .*; 1 payments are not over/)]);
    await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: subscription, mode: 'IMMEDIATELY' } });
    await world.ask(app, ops.PaymentCancelDocument, { input: { id: hold } });
    await world.settle();
  });

  it('asks for the id a second time', async () => {
    expect(await command('remove', app.id)).toMatchObject({ status: 1, stderr: expect.stringContaining(`give --yes ${app.id}`) });
    expect(await command('remove', app.id, '--yes', 'app')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Nothing was done'),
    });
    expect((await world.post({ query: '{ app { id } }' }, { credential: app.key })).status).toBe(200);
  });

  it('forgets people, keys, sessions, secrets and endpoints, and keeps payments and their audit', async () => {
    const payments = await world.rows('billing_payments', app);
    const { status, stdout } = await command('remove', app.id, '--yes', app.id);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/1 customers erased; 1 keys, 0 documents and 1 endpoints.*\n.*are kept/)]);
    const amounts = (rows: readonly Record<string, unknown>[]) => rows.map((row) => [row['id'], row['status'], row['amount_minor']]);
    expect(amounts(await world.rows('billing_payments', app))).toEqual(amounts(payments));
    for (const table of ['billing_api_keys', 'billing_webhook_secrets', 'billing_operations', 'billing_app_settings'])
      expect([table, await world.rows(table, app)]).toEqual([table, []]);
    // News of the erasure itself has the address once more, and may come after it: what is swept each day finds it.
    // The command's clock is the wall's, so here that job is due in months.
    expect((await world.rows('billing_jobs', app)).map(({ kind }) => kind)).toContain('retention.sweep');
    await world.settle();
    await world.gateway.retention.run(await world.scope(app));
    const everything = JSON.stringify([await world.rows('billing_customers', app), await world.rows('billing_webhooks', app)]);
    expect(everything.includes('ann@example.com')).toBe(false);
    const [row] = await world.gateway.database.query('select * from billing_apps where id = ?', [app.id]);
    expect(row).toMatchObject({ session_secret_sealed: null, tilled_secret_key_sealed: null, cors_origins: null });
    const types = (await world.rows('billing_events', app)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['payment.succeeded', 'app.suspended', 'app.removed']));
  });

  it('opens nothing any more within five seconds, answers Tilled plainly, and leaves the id taken', async () => {
    await world.advance({ ms: 5_001 });
    for (const credential of [app.key, session]) expect((await world.post({ query: '{ app { id } }' }, { credential })).status).toBe(401);
    const delivered = await fetch(`${world.url}/api/billing/webhooks/${app.id}`, { method: 'POST', body: '{}' });
    expect([delivered.status, await delivered.text()]).toEqual([410, expect.stringContaining('The app was removed')]);
    expect(await command('create', app.id, '--name', 'Again')).toMatchObject({ status: 1, stderr: expect.stringContaining('already') });
    expect(await command('resume', app.id)).toMatchObject({ status: 1, stderr: expect.stringContaining('was removed') });
    expect((await command('list')).stdout).not.toMatch(new RegExp(`^${app.id}\t`, 'm'));
    expect((await command('list', '--removed')).stdout).toMatch(new RegExp(`^${app.id}\t.*removed 20`, 'm'));
  });

  it('still records a late dispute of its payment, and nothing of what it does not have', async () => {
    const events = (await world.rows('billing_webhooks', app)).length;
    const [payment] = await world.rows('billing_payments', app);
    await world.control('disputes', { paymentIntentId: payment?.['tilled_payment_intent_id'] });
    await world.newCard(app);
    await world.settle();
    expect(await world.rows('billing_disputes', app)).toMatchObject([{ payment_id: payment?.['id'] }]);
    const late = (await world.rows('billing_webhooks', app)).slice(events);
    expect(late.map(({ type, status }) => [type, status])).toEqual([['dispute.created', 'PROCESSED']]);
  });

  it('can be said twice, and its records can still be exported', async () => {
    expect(await command('remove', app.id)).toMatchObject({ status: 0, stdout: expect.stringContaining('0 customers erased') });
    const to = path.join(directory, 'removed');
    const { status, stdout } = await command('export', app.id, '--to', to, '--json');
    const { files } = JSON.parse(stdout) as Manifest;
    const rows = Object.fromEntries(files.map((file) => [file.file, file.rows]));
    expect([status, rows]).toEqual([
      0,
      expect.objectContaining({ 'customers.jsonl': 0, 'payments.jsonl': (await world.rows('billing_payments', app)).length }),
    ]);
  });
});

describe('the removal of an app of which something happens meanwhile', () => {
  let app: TestApp;
  let beside: GatewayBeside;

  beforeEach(async () => {
    [app, beside] = [await world.app(), await world.anotherGateway()];
    await suspend(app);
    await world.advance({ ms: 10_000 });
    expect(await beside.get(app.key)).toBe(200);
  });
  afterEach(() => beside.close());

  /** Begins the removal, asks the other process as soon as the keys are gone, and ends the removal. */
  async function removedWhile(ask: () => Promise<unknown>): Promise<unknown> {
    const removal = world.scope(app).then((scope) => world.gateway.appLife.remove(scope));
    const ended = removal.then(
      () => 'removed',
      (error: Error) => error.message,
    );
    while ((await world.rows('billing_api_keys', app)).length > 0) await sleep(20);
    await ask();
    return ended;
  }

  it('is refused where the app was resumed after the look at it', async () => {
    const scope = await world.scope(app);
    await resume(app);
    await expect(world.gateway.appLife.remove(scope)).rejects.toThrow('it is not suspended');
    expect(await beside.get(app.key)).toBe(200);
  });

  it('leaves no person behind whom another process took in', async () => {
    const query = 'mutation { customerCreate(input: { email: "late@example.com" }) { customer { id } userErrors { code } } }';
    const ended = await removedWhile(async () => {
      expect(await beside.post({ query }, app.key)).toMatchObject({ data: { customerCreate: { userErrors: [] } } });
      await world.settle();
    });
    await world.settle();
    const text = JSON.stringify([await world.rows('billing_customers', app), await world.rows('billing_webhooks', app)]);
    expect([ended, text.includes('late@example.com')]).toEqual(['removed', false]);
  });

  it('is refused where a refund began in another process, which is finished', async () => {
    await resume(app);
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    await suspend(app);
    await world.advance({ ms: 10_000 });
    await world.settle();
    expect(await beside.get(app.key)).toBe(200);
    await world.control('faults', { operation: 'POST /v1/refunds', drop: true, when: 'after' });
    await world.control('faults', { operation: 'GET /v1/*', status: 503, times: 10_000 });
    const query = `mutation { refundCreate(input: { paymentId: "${id}", amount: { amountMinor: 100, currency: "usd" } }) { refund { id } userErrors { code } } }`;
    const ended = await removedWhile(() => beside.post({ query }, app.key));
    expect(ended).toMatch(/refunds are not over/);
    await world.control('faults', { clear: true });
    await world.advance({ days: 2 });
    expect((await world.rows('billing_refunds', app)).map(({ status }) => status)).toEqual(['SUCCEEDED']);
  });
});
