import { readdir, readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OutboxEvent } from '../../src/platform/outbox/outbox-event.entity.js';
import { cut, newBankAccount } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

/** What happened to an object, oldest first. */
async function historyOf(objectId: string) {
  return (await world.ask(app, ops.HistoryDocument, { objectId, first: 100 })).history.nodes.toReversed();
}

async function typesOf(objectId: string): Promise<string[]> {
  return (await historyOf(objectId)).map(({ type }) => type);
}

const CREATED = ['request.paymentCreate', 'payment.created', 'call.createPaymentIntent', 'payment.changed', 'call.confirmPaymentIntent'];

describe('history', () => {
  it('of a payment is one chain: the request, what Tilled was asked, what became of it, and whose key it was', async () => {
    const { id } = await world.payment(app, customerId);
    const events = await historyOf(id);
    expect(events.map(({ type }) => type).toSorted()).toEqual([...CREATED, 'payment.succeeded'].toSorted());
    const [key] = await world.rows('billing_api_keys', app);
    expect(new Set(events.map(({ actor, actorId }) => `${actor} ${actorId}`))).toEqual(new Set([`service ${key?.['id']}`]));
    expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(1);
    const calls = events.flatMap(({ call }) => (call ? [call] : []));
    const asked = world.sandbox
      .requests()
      .filter(({ method }) => method === 'POST')
      .slice(-2);
    expect(calls).toMatchObject([
      { operation: 'createPaymentIntent', outcome: 'done', httpStatus: 201, processorRequestId: asked[0]?.request_id },
      { operation: 'confirmPaymentIntent', outcome: 'done', processorRequestId: asked[1]?.request_id },
    ]);
    const succeeded = events.find(({ type }) => type === 'payment.succeeded');
    expect(succeeded).toMatchObject({ fromStatus: 'PENDING', toStatus: 'SUCCEEDED' });
    expect(succeeded?.changes).toContainEqual({ field: 'capturedMinor', before: '0', after: '5000', isHidden: false });
  });

  it('says of an outcome that was unknown which request the job finished for', async () => {
    await world.control('webhooks', { paused: true });
    await cut(world, 'POST /v1/payment-intents/:id/confirm', 'after');
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200) } });
    await world.advance({ ms: 10_000 });
    await world.control('webhooks', { paused: false });
    const events = await historyOf(paymentCreate.payment?.id ?? '');
    expect(events.find(({ type }) => type === 'call.confirmPaymentIntent')?.call).toMatchObject({ outcome: 'unknown', httpStatus: null });
    const [unknown, succeeded] = [
      events.find(({ type }) => type === 'payment.unknown'),
      events.find(({ type }) => type === 'payment.succeeded'),
    ];
    expect(unknown).toMatchObject({ actor: 'service', cause: null });
    expect(succeeded).toMatchObject({ actor: 'job', actorId: expect.stringMatching(/^paymentCreate job_/), cause: unknown?.requestId });
  });

  it('says which webhook events made us see that a debit came back', async () => {
    const bank = await world.card(app, customerId, { tilledPaymentMethodId: await newBankAccount(world, app) });
    const { id } = await world.payment(app, customerId, { paymentMethodId: bank.id });
    await world.settle();
    const [row] = await world.rows('billing_payments', app);
    await world.control('return', { paymentIntentId: row?.['tilled_payment_intent_id'], code: 'R01' });
    await world.settle();
    const failed = (await historyOf(id)).find(({ type }) => type === 'payment.failed');
    expect(failed).toMatchObject({ actor: 'job', fromStatus: 'PROCESSING', toStatus: 'FAILED' });
    const stored = new Map((await world.rows('billing_webhooks', app)).map((event) => [String(event['id']), event['type']]));
    const causes = failed?.cause?.split(' ').map((eventId) => stored.get(eventId));
    expect(causes).toContain('payment_intent.payment_failed');
  });

  it('shows a refund on the refund and on its payment', async () => {
    const { id: paymentId } = await world.payment(app, customerId);
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId } });
    expect(await typesOf(refundCreate.refund?.id ?? '')).toEqual(
      expect.arrayContaining(['request.refundCreate', 'refund.created', 'call.createRefund', 'refund.succeeded']),
    );
    const changes = (await historyOf(paymentId)).flatMap((event) => event.changes);
    expect(changes).toContainEqual({ field: 'refundReservedMinor', before: '0', after: '5000', isHidden: false });
    expect(changes).toContainEqual({ field: 'refundedMinor', before: '0', after: '5000', isHidden: false });
  });

  it('shows that a person changed, was forgotten and their methods went, and keeps nothing about them', async () => {
    const { id } = await world.customer(app, { email: 'secret@example.com', name: 'Zoe Hidden', metadata: { note: 'private' } });
    await world.ask(app, ops.CustomerUpdateDocument, {
      input: { id, email: 'other-secret@example.com', metadata: { note: 'still private' } },
    });
    const first = await world.card(app, id);
    const second = await world.card(app, id);
    await world.ask(app, ops.PaymentMethodSetDefaultDocument, { input: { id: second.id } });
    await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id: second.id } });
    await world.ask(app, ops.CustomerDeleteDocument, { input: { id } });
    const events = await historyOf(id);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'request.customerCreate',
        'customer.created',
        'call.updateCustomer',
        'request.customerDelete',
        'call.deleteCustomer',
      ]),
    );
    const hidden = events.flatMap(({ changes }) => changes.filter(({ isHidden }) => isHidden));
    expect(new Set(hidden.map(({ field }) => field))).toEqual(new Set(['email', 'name', 'metadata']));
    expect(hidden.every(({ before, after }) => before === null && after === null)).toBe(true);
    const ofSecond = await historyOf(second.id);
    expect(ofSecond.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'request.paymentMethodAttach',
        'call.attachPaymentMethod',
        'payment_method.created',
        'call.detachPaymentMethod',
      ]),
    );
    expect(ofSecond.flatMap(({ changes }) => changes)).toContainEqual({ field: 'defaultOf', before: null, after: id, isHidden: false });
    expect((await historyOf(first.id)).flatMap(({ changes }) => changes.map(({ field }) => field))).toContain('detachedAt');
    expect(JSON.stringify(await world.rows('billing_events', app))).not.toMatch(/secret@|Zoe|private|"1111\\*"/);
  });

  it('is read in pages, and is empty for an object of another app', async () => {
    const { id } = await world.payment(app, customerId);
    const whole = (await historyOf(id)).toReversed();
    const { history } = await world.ask(app, ops.HistoryDocument, { objectId: id, first: 2 });
    const rest = await world.ask(app, ops.HistoryDocument, { objectId: id, first: 100, after: history.pageInfo.endCursor });
    expect([...history.nodes, ...rest.history.nodes]).toEqual(whole);
    const other = await world.app();
    expect((await world.ask(other, ops.HistoryDocument, { objectId: id })).history.nodes).toEqual([]);
  });

  it('does not cost a payment a commit, and two statements', async () => {
    await world.payment(app, customerId);
    const statements = await world.statements(() => world.payment(app, customerId));
    const inserts = statements.filter((sql) => /^insert into .?billing_events/.test(sql));
    // Three: one of them is that of the transition, which there always was.
    expect(inserts).toHaveLength(3);
  });
});

describe('the events of an app', () => {
  it('are never changed or removed: the unit of work refuses to', async () => {
    await world.payment(app, customerId);
    const scope = await world.scope(app);
    const [first] = await world.rows('billing_events', app);
    const change = scope.transaction(async (tx) => {
      const event = await tx.db.entityManager().findOne(OutboxEvent, { appId: app.id, id: String(first?.['id']) });
      if (event !== null) event.type = 'something.else';
    });
    await expect(change).rejects.toThrow('never changed');
    const removal = scope.transaction(async (tx) => {
      const event = await tx.db.entityManager().findOne(OutboxEvent, { appId: app.id, id: String(first?.['id']) });
      if (event !== null) tx.db.entityManager().remove(event);
    });
    await expect(removal).rejects.toThrow('never changed');
    expect((await world.rows('billing_events', app))[0]).toEqual(first);
  });

  it('are changed and removed by no SQL of ours either', async () => {
    const names = (await readdir('src', { recursive: true })).filter((name) => name.endsWith('.ts'));
    const texts = await Promise.all(names.map(async (name) => [name, await readFile(`src/${name}`, 'utf8')] as const));
    const writes = /(update|delete\s+from|replace\s+into|truncate)\s+(table\s+)?billing_events/i;
    expect(texts.filter(([, text]) => text.includes('billing_events')).length).toBeGreaterThan(0);
    expect(texts.filter(([, text]) => writes.test(text)).map(([name]) => name)).toEqual([]);
  });
});
