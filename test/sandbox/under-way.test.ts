import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Kit } from './kit.js';

/** Longer than any test: what is under way ends when the test says so. */
const UNDER_WAY_MS = 60_000;

/** Runs the body on a sandbox of its own. */
async function alone(body: (own: Kit) => Promise<void>): Promise<void> {
  const own = await Kit.openOwn();
  try {
    await body(own);
  } finally {
    await own.close();
  }
}

type Json = Record<string, unknown>;

const post = async (own: Kit, path: string, body: unknown = {}) => own.raw('POST', path, { body });
const get = async (own: Kit, path: string) => (await own.raw('GET', path)).json;
const total = async (own: Kit, path: string) => (await get(own, path))['total'];
const writesUnderWay = async (own: Kit) => (await get(own, '/_sandbox/underway'))['underWay'] as Json[];

/** Orders the next call of the operation to be under way, sends it, and waits until it is. */
async function holdUp(own: Kit, call: { method: string; path: string; body?: unknown }, fault: Json = {}) {
  const answer = { status: 0, json: {} as Json, isThere: false };
  await own.control('faults', { operation: `${call.method} ${call.path}`, when: 'during', delayMs: UNDER_WAY_MS, ...fault });
  const before = (await writesUnderWay(own)).length;
  const answered = own.raw(call.method, call.path, { body: call.body }).then(
    ({ status, json }) => Object.assign(answer, { status, json, isThere: true }),
    () => Object.assign(answer, { isThere: true }),
  );
  while ((await writesUnderWay(own)).length === before && !answer.isThere) await wait(2);
  /** Ends all that is under way, and waits for the answer. */
  const end = async () => {
    await own.control('underway');
    await answered;
  };
  return { answer, answered, end };
}

/** A payment intent with a card of a customer, not confirmed. */
async function openIntent(own: Kit, change: Json = {}): Promise<{ id: string; method: string; path: string }> {
  const { method } = await own.payer();
  const body = { amount: 4200, currency: 'usd', payment_method_types: ['card'], payment_method_id: method, ...change };
  const id = String((await post(own, '/v1/payment-intents', body)).json['id']);
  return { id, method, path: `/v1/payment-intents/${id}` };
}

const chargesOf = async (own: Kit, id: string) => (await own.intent(id)).charges.map((charge) => charge.status);
const subscriptionBody = ({ customer, method }: { customer: string; method: string }) => ({
  customer_id: customer,
  payment_method_id: method,
  price: 900,
  currency: 'usd',
  interval_unit: 'month',
  billing_cycle_anchor: '2026-02-10',
});

describe('a write under way', () => {
  it('lasts as many real milliseconds as told, whatever the clock of the sandbox says', () =>
    alone(async (own) => {
      const startedMs = performance.now();
      const first = await holdUp(own, { method: 'POST', path: '/v1/customers', body: {} }, { delayMs: 200 });
      await own.advance({ days: 1 });
      await first.answered;
      // The timer of Node may be a millisecond early.
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(199);
      expect([first.answer.status, first.answer.json['created_at']]).toEqual([201, '2026-02-01T12:00:00.000Z']);
    }));

  it('is seen by nobody before its end, and then with its events', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} });
      expect(await writesUnderWay(own)).toEqual([
        { operation: 'POST /v1/payment-intents/:id/confirm', path: `${intent.path}/confirm`, account: own.account, fault: 1 },
      ]);
      expect((await own.intent(intent.id)).status).toBe('requires_confirmation');
      expect(await own.eventTypes(intent.id)).toEqual(['payment_intent.created']);
      expect(first.answer.isThere).toBe(false);
      await first.end();
      expect([first.answer.status, first.answer.json['status']]).toEqual([201, 'succeeded']);
      expect(await own.eventTypes(intent.id)).toEqual(['payment_intent.created', 'payment_intent.succeeded']);
      expect(await writesUnderWay(own)).toEqual([]);
    }));

  it('ends as the issuer decided at its beginning', () =>
    alone(async (own) => {
      const [approved, refused] = [await openIntent(own), await openIntent(own)];
      await own.control('declines', { paymentMethodId: refused.method, code: 'call_issuer' });
      const first = await holdUp(own, { method: 'POST', path: `${approved.path}/confirm`, body: {} });
      await own.control('declines', { paymentMethodId: approved.method, code: 'call_issuer' });
      await first.end();
      expect((await own.intent(approved.id)).status).toBe('succeeded');
      const second = await holdUp(own, { method: 'POST', path: `${refused.path}/confirm`, body: {} });
      await own.control('declines', { paymentMethodId: refused.method, code: null });
      expect((await own.intent(refused.id)).status).toBe('requires_confirmation');
      await second.end();
      expect((await own.intent(refused.id)).last_payment_error?.code).toBe('call_issuer');
    }));

  it.each([
    ['a payment intent', '/v1/payment-intents', { amount: 100, currency: 'usd', payment_method_types: ['card'] }],
    ['a customer', '/v1/customers', { first_name: 'Ada' }],
  ])('that makes %s makes it at its end', (_noun, path, body) =>
    alone(async (own) => {
      const first = await holdUp(own, { method: 'POST', path, body });
      expect(await total(own, path)).toBe(0);
      await first.end();
      expect([first.answer.status, await total(own, path)]).toEqual([201, 1]);
    }));

  it('that makes a refund or a subscription makes it at its end, with its method detached and its money given back by then', () =>
    alone(async (own) => {
      const payer = await own.payer();
      const paid = await own.pay(1000, { method: payer.method });
      const refund = { method: 'POST', path: '/v1/refunds', body: { payment_intent_id: paid.id } };
      const subscription = { method: 'POST', path: '/v1/subscriptions', body: subscriptionBody(payer) };
      const [first, second] = [await holdUp(own, refund), await holdUp(own, subscription)];
      expect([await total(own, '/v1/refunds'), await total(own, '/v1/subscriptions')]).toEqual([0, 0]);
      expect((await post(own, '/v1/refunds', { ...refund.body, metadata: { by: 'hand' } })).status).toBe(201);
      expect((await own.raw('PUT', `/v1/payment-methods/${payer.method}/detach`)).status).toBe(200);
      await second.end();
      await first.answered;
      expect([await total(own, '/v1/refunds'), await total(own, '/v1/subscriptions')]).toEqual([2, 1]);
      expect((await own.intent(paid.id)).charges[0]?.amount_refunded).toBe(2000);
    }));

  it('that changes an object shows the object before', () =>
    alone(async (own) => {
      const payer = await own.payer();
      const subscriptionId = (await post(own, '/v1/subscriptions', subscriptionBody(payer))).json['id'];
      const held = await own.pay(500, { method: payer.method, capture: 'manual' });
      const open = await openIntent(own);
      const [card, customer] = [await own.card(), await own.customer()];
      const changes = [
        { path: `/v1/payment-intents/${held.id}`, does: 'POST capture', shows: 'status', before: 'requires_capture', after: 'succeeded' },
        { path: open.path, does: 'POST cancel', shows: 'status', before: 'requires_confirmation', after: 'canceled' },
        { path: `/v1/payment-methods/${open.method}`, does: 'PUT detach', shows: 'chargeable', before: true, after: false },
        { path: `/v1/payment-methods/${card}`, does: 'PUT attach', shows: 'customer_id', before: null, after: customer },
        { path: `/v1/subscriptions/${subscriptionId}`, does: 'POST pause', shows: 'status', before: 'pending', after: 'paused' },
        { path: `/v1/subscriptions/${subscriptionId}`, does: 'POST resume', shows: 'status', before: 'paused', after: 'pending' },
        { path: `/v1/subscriptions/${subscriptionId}`, does: 'POST cancel', shows: 'status', before: 'pending', after: 'canceled' },
        { path: `/v1/customers/${customer}`, does: 'PATCH', shows: 'first_name', before: 'Ada', after: 'Eve' },
      ];
      for (const { path, does, shows, before, after } of changes) {
        const [method = '', action] = does.split(' ');
        const body = { customer_id: customer, first_name: 'Eve' };
        const first = await holdUp(own, { method, path: action === undefined ? path : `${path}/${action}`, body });
        expect([does, (await get(own, path))[shows]]).toEqual([does, before]);
        await first.end();
        expect([does, (await get(own, path))[shows]]).toEqual([does, after]);
      }
    }));

  it('that is refused is answered at once, and nothing is under way', () =>
    alone(async (own) => {
      const body = { payment_intent_id: 'pi_unknown' };
      const first = await holdUp(own, { method: 'POST', path: '/v1/refunds', body });
      await first.answered;
      expect([first.answer.status, await writesUnderWay(own)]).toEqual([404, []]);
    }));

  it.each([
    ['a dropped connection', { drop: true }, 0],
    ['an error of the server', { status: 502 }, 502],
  ])('can lose its answer as well, to %s', (_loss, loss, status) =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} }, loss);
      await first.end();
      expect([first.answer.status, (await own.intent(intent.id)).status]).toEqual([status, 'succeeded']);
    }));

  it('goes on when its caller hangs up', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'POST /v1/customers', when: 'during', delayMs: UNDER_WAY_MS });
      const headers = { 'tilled-api-key': own.secretKey, 'tilled-account': own.account, 'content-type': 'application/json' };
      const caller = new AbortController();
      const call = fetch(`${own.url}/v1/customers`, { method: 'POST', headers, body: '{}', signal: caller.signal });
      while ((await writesUnderWay(own)).length === 0) await wait(2);
      caller.abort();
      await expect(call).rejects.toThrow();
      expect([await total(own, '/v1/customers'), (await writesUnderWay(own)).length]).toEqual([0, 1]);
      expect(await own.control('underway')).toEqual({ finished: 1 });
      expect(await total(own, '/v1/customers')).toBe(1);
    }));

  it('ends without effect when the sandbox is reset or closed', async () => {
    const own = await Kit.openOwn();
    const create = { method: 'POST', path: '/v1/customers', body: {} };
    const first = await holdUp(own, create);
    await own.control('reset');
    await first.answered;
    const afterReset = (await get(own, '/_sandbox/state?collection=customers'))['customers'];
    const { accountId, secretKey } = await own.sandbox.provision();
    await own.control('faults', { operation: 'POST /v1/customers', when: 'during', delayMs: UNDER_WAY_MS });
    const second = own
      .raw('POST', '/v1/customers', { body: {}, headers: { 'tilled-api-key': secretKey, 'tilled-account': accountId } })
      .then(
        () => true,
        () => false,
      );
    while ((await writesUnderWay(own)).length === 0) await wait(2);
    await own.close();
    expect([first.answer.status, afterReset, await second]).toEqual([0, [], false]);
  });

  it('needs to be told for how long, and only then knows repeats', () =>
    alone(async (own) => {
      const refused = async (fault: Json) => (await post(own, '/_sandbox/faults', { operation: 'POST /v1/customers', ...fault })).status;
      expect(await refused({ when: 'during', status: 500 })).toBe(400);
      expect(await refused({ when: 'during', delayMs: 1, repeat: 'sometimes' })).toBe(400);
      expect(await refused({ when: 'after', delayMs: 1, repeat: 'allow' })).toBe(400);
      expect(await refused({ delayMs: 1, cancel: 'allow' })).toBe(400);
    }));
});

describe('a repeat of a write under way', () => {
  it('is a conflict unless told otherwise, and the first one ends as it would have', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} });
      expect((await post(own, `${intent.path}/confirm`)).status).toBe(409);
      await first.end();
      expect(await chargesOf(own, intent.id)).toEqual(['succeeded']);
    }));

  it('can be declined by the issuer, in the answer only', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} }, { repeat: 'decline' });
      const second = await post(own, `${intent.path}/confirm`);
      expect([second.status, second.json['status']]).toEqual([201, 'requires_payment_method']);
      expect(second.json['last_payment_error']).toMatchObject({ code: 'duplicate_transaction' });
      expect((await own.intent(intent.id)).last_payment_error).toBeNull();
      await first.end();
      expect([(await own.intent(intent.id)).status, await chargesOf(own, intent.id)]).toEqual(['succeeded', ['succeeded']]);
    }));

  it('can be a second charge: both are seen, and each can be given back', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} }, { repeat: 'allow' });
      expect((await post(own, `${intent.path}/confirm`)).json['status']).toBe('succeeded');
      expect(await chargesOf(own, intent.id)).toEqual(['succeeded']);
      await first.end();
      expect(await chargesOf(own, intent.id)).toEqual(['succeeded', 'succeeded']);
      const statuses = [];
      for (let n = 0; n < 3; n += 1) statuses.push((await post(own, '/v1/refunds', { payment_intent_id: intent.id })).status);
      expect(statuses).toEqual([201, 201, 400]);
    }));

  it('can be a second refund, a second subscription', () =>
    alone(async (own) => {
      const payer = await own.payer();
      const paid = await own.pay(1000, { method: payer.method });
      const creations = [
        { path: '/v1/refunds', body: { payment_intent_id: paid.id } },
        { path: '/v1/subscriptions', body: subscriptionBody(payer) },
      ];
      for (const { path, body } of creations) {
        const first = await holdUp(own, { method: 'POST', path, body }, { repeat: 'allow' });
        expect((await post(own, path, body)).status).toBe(201);
        await first.end();
        expect([first.answer.status, await total(own, path)]).toEqual([201, 2]);
      }
    }));

  it('is one only when it creates the same, or changes the same object', () =>
    alone(async (own) => {
      const first = await holdUp(own, { method: 'POST', path: '/v1/customers', body: { first_name: 'Ada', last_name: 'Payer' } });
      expect((await post(own, '/v1/customers', { first_name: 'Eve' })).status).toBe(201);
      expect((await post(own, '/v1/customers', { last_name: 'Payer', first_name: 'Ada' })).status).toBe(409);
      await first.end();
      expect((await post(own, '/v1/customers', { first_name: 'Ada', last_name: 'Payer' })).status).toBe(201);
    }));

  it('that was declined in earnest is overtaken by the first one’s success', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} }, { repeat: 'allow' });
      await own.control('declines', { paymentMethodId: intent.method, code: 'insufficient_funds' });
      expect((await post(own, `${intent.path}/confirm`)).json['status']).toBe('requires_payment_method');
      await first.end();
      expect(first.answer.json).toMatchObject({ status: 'succeeded', last_payment_error: null });
      expect(await chargesOf(own, intent.id)).toEqual(['failed', 'succeeded']);
    }));

  it('that succeeded is not undone by the first one’s decline', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      await own.control('declines', { paymentMethodId: intent.method, code: 'insufficient_funds' });
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} }, { repeat: 'allow' });
      await own.control('declines', { paymentMethodId: intent.method, code: null });
      expect((await post(own, `${intent.path}/confirm`)).json['status']).toBe('succeeded');
      await first.end();
      expect([(await own.intent(intent.id)).status, await chargesOf(own, intent.id)]).toEqual(['succeeded', ['succeeded', 'failed']]);
    }));
});

describe('a cancel of a payment intent whose payment is under way', () => {
  it('is refused unless told otherwise', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/confirm`, body: {} });
      expect((await post(own, `${intent.path}/cancel`)).status).toBe(400);
      await first.end();
      expect(first.answer.json['status']).toBe('succeeded');
    }));

  it.each(['confirm', 'capture'])('can be allowed: it is canceled until the %s ends, then succeeded', (action) =>
    alone(async (own) => {
      const intent = await openIntent(own, { capture_method: action === 'capture' ? 'manual' : 'automatic' });
      if (action === 'capture') await post(own, `${intent.path}/confirm`);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/${action}`, body: {} }, { cancel: 'allow' });
      expect((await post(own, `${intent.path}/cancel`)).json['status']).toBe('canceled');
      expect((await own.intent(intent.id)).status).toBe('canceled');
      await first.end();
      expect(await own.intent(intent.id)).toMatchObject({ status: 'succeeded', canceled_at: null, amount_received: 4200 });
      expect(await chargesOf(own, intent.id)).toEqual(['succeeded']);
    }));

  it('takes no money away when it is itself the one that is late', () =>
    alone(async (own) => {
      const intent = await openIntent(own);
      const first = await holdUp(own, { method: 'POST', path: `${intent.path}/cancel`, body: {} });
      expect((await post(own, `${intent.path}/confirm`)).json['status']).toBe('succeeded');
      await first.end();
      expect((await own.intent(intent.id)).status).toBe('succeeded');
    }));
});
