import { describe, expect, it } from '@jest/globals';
import { Kit } from './kit.js';

/** Runs the body on a sandbox of its own. */
async function alone(body: (own: Kit) => Promise<void>): Promise<void> {
  const own = await Kit.openOwn();
  try {
    await body(own);
  } finally {
    await own.close();
  }
}

const get = async (own: Kit, path: string) => (await own.raw('GET', path)).json;
const confirm = async (own: Kit, id: string) => (await own.raw('POST', `/v1/payment-intents/${id}/confirm`, { body: {} })).json;

/** The method of a payer whose next payments or refunds come out as told. */
async function methodWith(own: Kit, outcomes: Record<string, unknown>): Promise<string> {
  const { method } = await own.payer();
  await own.control('outcomes', { paymentMethodId: method, ...outcomes });
  return method;
}

describe('an issuer', () => {
  it('can let some payments pass before it declines all others', () =>
    alone(async (own) => {
      const { method } = await own.payer();
      await own.control('declines', { paymentMethodId: method, code: 'do_not_honor', after: 2 });
      const statuses = [];
      for (let n = 0; n < 4; n += 1) statuses.push((await own.pay(100, { method })).status);
      expect(statuses).toEqual(['succeeded', 'succeeded', 'requires_payment_method', 'requires_payment_method']);
      await own.control('declines', { paymentMethodId: method, code: null });
      expect((await own.pay(100, { method })).status).toBe('succeeded');
    }));
});

describe('a confirm', () => {
  it('can come to nothing without an error: nothing was charged, and it can be confirmed again', () =>
    alone(async (own) => {
      const method = await methodWith(own, { confirm: 'requires_payment_method', times: 1 });
      const { id, ...answer } = await own.pay(500, { method });
      expect(answer).toMatchObject({ status: 'requires_payment_method', last_payment_error: null, charges: [] });
      expect(await own.intent(id)).toMatchObject({ status: 'requires_payment_method', last_payment_error: null, charges: [] });
      expect(await own.eventTypes(id)).toEqual(['payment_intent.created']);
      expect(await confirm(own, id)).toMatchObject({ status: 'succeeded' });
    }));

  it('can require an action of the payer, who does it or fails', () =>
    alone(async (own) => {
      const method = await methodWith(own, { confirm: 'requires_action' });
      const [done, failed] = [await own.pay(500, { method }), await own.pay(500, { method, capture: 'manual' })];
      expect([done, failed].map(({ status, charges }) => [status, charges.length])).toEqual([
        ['requires_action', 0],
        ['requires_action', 0],
      ]);
      await own.control('action', { paymentIntentId: done.id });
      await own.control('action', { paymentIntentId: failed.id, code: 'authentication_required' });
      expect((await own.intent(done.id)).status).toBe('succeeded');
      expect(await own.intent(failed.id)).toMatchObject({
        status: 'requires_payment_method',
        last_payment_error: { code: 'authentication_required' },
      });
      expect(await own.eventTypes(done.id)).toEqual([
        'payment_intent.created',
        'payment_intent.requires_action',
        'payment_intent.succeeded',
      ]);
      expect((await own.raw('POST', '/_sandbox/action', { body: { paymentIntentId: done.id } })).status).toBe(400);
    }));

  it('that requires an action says where the payer does it, and what became of that', () =>
    alone(async (own) => {
      const method = await methodWith(own, { confirm: 'requires_action' });
      const answer = async (approve: string) => {
        const { id } = await own.pay(500, { method });
        const { next_action: next, client_secret: secret } = await get(own, `/v1/payment-intents/${id}`);
        const url = String(Object(next).redirect_to_url.url);
        expect(next).toEqual({ type: 'redirect_to_url', redirect_to_url: { url }, expires_at: null });
        expect(new URL(url).searchParams.get('client_secret')).toBe(secret);
        expect(await (await fetch(url)).text()).toContain('<button name="approve" value="yes">');
        expect((await fetch(url.replace(/secret=.*/, 'secret=x'), { method: 'POST' })).status).toBe(404);
        const told = await fetch(url, { method: 'POST', body: new URLSearchParams({ approve }) });
        expect([told.status, (await fetch(url, { method: 'POST' })).status]).toEqual([200, 400]);
        return get(own, `/v1/payment-intents/${id}`);
      };
      expect(await answer('yes')).toMatchObject({ status: 'succeeded', next_action: null });
      const refused = { status: 'requires_payment_method', next_action: null, last_payment_error: { code: 'authentication_required' } };
      expect(await answer('no')).toMatchObject(refused);
    }));

  it('that requires an action can say nothing of it, as the SDK has it, and the time for it can end', () =>
    alone(async (own) => {
      const silent = await methodWith(own, { confirm: 'requires_action', nextAction: 'none' });
      const { id } = await own.pay(500, { method: silent });
      expect(await get(own, `/v1/payment-intents/${id}`)).toMatchObject({ status: 'requires_action', next_action: null });
      const brief = await methodWith(own, { confirm: 'requires_action', actionExpiresInMs: 60_000 });
      const [late, canceled] = [await own.pay(500, { method: brief }), await own.pay(500, { method: brief })];
      const ends = new Date(own.sandbox.now().getTime() + 60_000).toISOString();
      expect(await get(own, `/v1/payment-intents/${late.id}`)).toMatchObject({ next_action: { expires_at: ends } });
      await own.raw('POST', `/v1/payment-intents/${canceled.id}/cancel`, { body: {} });
      await own.advance({ ms: 60_000 });
      expect(await get(own, `/v1/payment-intents/${late.id}`)).toMatchObject({
        status: 'requires_payment_method',
        next_action: null,
        last_payment_error: { code: 'authentication_required' },
      });
      expect(await get(own, `/v1/payment-intents/${canceled.id}`)).toMatchObject({ status: 'canceled', next_action: null });
    }));

  it('can be processing although it is a card, and then settled or returned', () =>
    alone(async (own) => {
      const method = await methodWith(own, { confirm: 'processing' });
      const [paid, held, returned] = [
        await own.pay(500, { method }),
        await own.pay(500, { method, capture: 'manual' }),
        await own.pay(500, { method }),
      ];
      expect([paid, held, returned].map(({ status }) => status)).toEqual(['processing', 'processing', 'processing']);
      await own.control('settle', { paymentIntentId: paid.id });
      await own.control('settle', { paymentIntentId: held.id });
      await own.control('return', { paymentIntentId: returned.id, code: 'issuer_not_available' });
      expect(await own.intent(paid.id)).toMatchObject({ status: 'succeeded', amount_received: 500 });
      expect(await own.intent(held.id)).toMatchObject({ status: 'requires_capture', amount_capturable: 500 });
      expect(await own.intent(returned.id)).toMatchObject({ last_payment_error: { code: 'issuer_not_available' } });
      const body = { paymentIntentId: paid.id };
      expect((await own.raw('POST', '/_sandbox/return', { body })).status).toBe(400);
    }));

  it('of a subscription whose payer would have to act makes it past due', () =>
    alone(async (own) => {
      const { customer, method } = await own.payer();
      await own.control('outcomes', { paymentMethodId: method, confirm: 'requires_action' });
      const sent = { price: 900, currency: 'usd', interval_unit: 'month', billing_cycle_anchor: '2026-02-10' };
      const body = { ...sent, customer_id: customer, payment_method_id: method };
      const { id } = (await own.raw('POST', '/v1/subscriptions', { body })).json;
      await own.advance({ days: 15 });
      expect(await get(own, `/v1/subscriptions/${id}`)).toMatchObject({ status: 'past_due', next_payment_at: null });
    }));

  it('comes out as usual by a bank account, which has outcomes of its own', () =>
    alone(async (own) => {
      const { method } = await own.payer('bank');
      const body = { paymentMethodId: method, confirm: 'requires_action' };
      expect((await own.raw('POST', '/_sandbox/outcomes', { body })).status).toBe(400);
    }));
});

describe('a refund to a card', () => {
  const refund = async (own: Kit, id: string) => (await own.raw('POST', '/v1/refunds', { body: { payment_intent_id: id } })).json;

  it.each([
    [null, 'succeeded', 500],
    ['lost_or_stolen_card', 'failed', 0],
  ])('can be pending, and with the failure code %s it %s', (failureCode, status, givenBack) =>
    alone(async (own) => {
      const method = await methodWith(own, { refund: 'pending' });
      const { id } = await own.pay(500, { method });
      const pending = await refund(own, id);
      expect(pending['status']).toBe('pending');
      await own.control('settle', { refundId: pending['id'], failureCode });
      expect(await get(own, `/v1/refunds/${pending['id']}`)).toMatchObject({ status, failure_code: failureCode });
      expect((await own.intent(id)).charges[0]?.amount_refunded).toBe(givenBack);
    }));

  it('can fail at once, as often as told', () =>
    alone(async (own) => {
      const method = await methodWith(own, { refund: 'failed', times: 1 });
      const { id } = await own.pay(500, { method });
      expect(await refund(own, id)).toMatchObject({ status: 'failed', failure_code: 'declined' });
      expect((await own.intent(id)).charges[0]?.amount_refunded).toBe(0);
      expect(await refund(own, id)).toMatchObject({ status: 'succeeded' });
    }));
});

describe('lists that lag', () => {
  const create = async (own: Kit) => (await own.raw('POST', '/v1/customers', { body: { metadata: { mark: 'm1' } } })).json['id'];
  const listed = async (own: Kit, query = '') => (await get(own, `/v1/customers${query}`))['total'];

  it('leave out what is younger, whatever they filter by; the object itself is there', () =>
    alone(async (own) => {
      await own.control('lag', { listMs: 5_000 });
      const id = await create(own);
      expect([await listed(own), await listed(own, '?metadata[mark]=m1')]).toEqual([0, 0]);
      expect((await get(own, `/v1/customers/${id}`))['id']).toBe(id);
      await own.advance({ ms: 4_999 });
      expect(await listed(own, '?metadata[mark]=m1')).toBe(0);
      await own.advance({ ms: 1 });
      expect([await listed(own), await listed(own, '?metadata[mark]=m1')]).toEqual([1, 1]);
    }));

  it('are current again when the lag is 0 and after a reset', () =>
    alone(async (own) => {
      await own.control('lag', { listMs: 5_000 });
      await create(own);
      expect(await listed(own)).toBe(0);
      await own.control('lag', { listMs: 0 });
      expect(await listed(own)).toBe(1);
      await own.control('lag', { listMs: 5_000 });
      await own.control('reset');
      const { accountId, secretKey } = await own.sandbox.provision();
      const headers = { 'tilled-api-key': secretKey, 'tilled-account': accountId };
      await own.raw('POST', '/v1/customers', { body: {}, headers });
      expect((await own.raw('GET', '/v1/customers', { headers })).json['total']).toBe(1);
      expect((await own.raw('POST', '/_sandbox/lag', { body: {} })).status).toBe(400);
    }));
});

describe('where Tilled’s documents say nothing, the sandbox', () => {
  const post = async (own: Kit, path: string, body: object = {}) => (await own.raw('POST', path, { body })).status;
  const behave = (own: Kit, change: object) => own.control('behaviour', change);

  it('says what it does, forgets what it was told with a reset, and takes no word that it does not know', () =>
    alone(async (own) => {
      const usual = await get(own, '/_sandbox/behaviour');
      expect(usual).toMatchObject({ refundDisputed: 'allow', stateError: '400' });
      expect(await behave(own, { refundDisputed: 'refuse' })).toEqual({ ...usual, refundDisputed: 'refuse' });
      expect((await own.raw('POST', '/_sandbox/behaviour', { body: { evidence: 'maybe' } })).status).toBe(400);
      await own.control('reset');
      expect(await get(own, '/_sandbox/behaviour')).toEqual(usual);
    }));

  it('refunds a disputed charge, or does not; an inquiry and a dispute that was won are in no way', () =>
    alone(async (own) => {
      const paid = await Promise.all(Array.from({ length: 4 }, () => own.pay(500)));
      const disputed = async (n: number, status: string) => own.control('disputes', { paymentIntentId: paid[n]?.id, status });
      const refunded = (n: number) => post(own, '/v1/refunds', { payment_intent_id: paid[n]?.id });
      await disputed(0, 'needs_response');
      await disputed(1, 'lost');
      await disputed(2, 'warning_needs_response');
      await disputed(3, 'won');
      expect(await refunded(0)).toBe(201);
      await behave(own, { refundDisputed: 'refuse' });
      expect([await refunded(1), await refunded(2), await refunded(3)]).toEqual([400, 201, 201]);
    }));

  it('disputes a charge again, and one that is refunded, or does not', () =>
    alone(async (own) => {
      const [twice, refunded] = [await own.pay(500), await own.pay(500)];
      await post(own, '/v1/refunds', { payment_intent_id: refunded.id });
      const dispute = ({ id }: { id: string }) => post(own, '/_sandbox/disputes', { paymentIntentId: id });
      expect([await dispute(twice), await dispute(twice), await dispute(refunded)]).toEqual([200, 200, 200]);
      await behave(own, { disputeAgain: 'refuse' });
      expect([await dispute(twice), await dispute(refunded), await dispute(await own.pay(500))]).toEqual([400, 400, 200]);
    }));

  it('takes evidence once, or again while it is reviewed', () =>
    alone(async (own) => {
      const { id } = await own.control('disputes', { paymentIntentId: (await own.pay(500)).id });
      const upload = { purpose: 'dispute_evidence', file: { filename: 'a.pdf', size: 9 } };
      const file = (await own.raw('POST', '/v1/files', { body: upload })).json['id'];
      const submit = () => post(own, `/v1/disputes/${id}`, { description: 'x', files: [{ file_id: file, type: 'receipt' }] });
      expect([await submit(), await submit()]).toEqual([201, 400]);
      await behave(own, { evidence: 'again' });
      expect(await submit()).toBe(201);
    }));

  it('detaches a method that a subscription uses, or does not, and attaches a detached one again, or does not', () =>
    alone(async (own) => {
      const { customer, method } = await own.payer();
      const cycle = { price: 900, currency: 'usd', interval_unit: 'month', billing_cycle_anchor: '2026-02-10' };
      await post(own, '/v1/subscriptions', { ...cycle, customer_id: customer, payment_method_id: method });
      const put = async (what: string) =>
        (await own.raw('PUT', `/v1/payment-methods/${method}/${what}`, { body: { customer_id: customer } })).status;
      await behave(own, { detachInUse: 'refuse' });
      expect(await put('detach')).toBe(400);
      await behave(own, { detachInUse: 'allow' });
      expect([await put('detach'), await put('attach')]).toEqual([200, 400]);
      expect(await get(own, `/v1/payment-methods/${method}`)).not.toHaveProperty('was_detached');
      await behave(own, { attachDetached: 'allow' });
      expect(await put('attach')).toBe(200);
      expect((await own.pay(500, { method })).status).toBe('succeeded');
    }));

  it('refuses an anchor of more than a day ago, or takes it', () =>
    alone(async (own) => {
      const { customer, method } = await own.payer();
      const anchor = new Date(own.sandbox.now().getTime() - 3 * 86_400_000).toISOString();
      const body = { price: 900, currency: 'usd', interval_unit: 'month', customer_id: customer, payment_method_id: method };
      const create = () => post(own, '/v1/subscriptions', { ...body, billing_cycle_anchor: anchor });
      expect(await create()).toBe(400);
      await behave(own, { oldAnchor: 'allow' });
      expect(await create()).toBe(201);
    }));

  it('shows what a capture in part left over as a refund of its own, which is no money that was taken, or shows nothing', () =>
    alone(async (own) => {
      const capture = async () => {
        const { id } = await own.pay(1_000, { capture: 'manual' });
        await post(own, `/v1/payment-intents/${id}/capture`, { amount_to_capture: 600 });
        return { id, charge: (await own.intent(id)).charges[0] };
      };
      expect((await capture()).charge).toMatchObject({ amount_captured: 600, amount_refunded: 0, refunds: [] });
      await behave(own, { partialCapture: 'refund' });
      const { id, charge } = await capture();
      const release = { amount: 400, reason: 'partial_capture', status: 'succeeded' };
      expect(charge).toMatchObject({ amount_captured: 600, amount_refunded: 0, refunded: false, refunds: [release] });
      await post(own, '/v1/refunds', { payment_intent_id: id });
      expect((await own.intent(id)).charges[0]).toMatchObject({ amount_refunded: 600, refunded: true });
    }));

  it.each(['403', '409', '422'])('refuses because of a state with %s, and what is written wrong with 400 all the same', (stateError) =>
    alone(async (own) => {
      await behave(own, { stateError });
      const paid = await own.pay(500);
      expect(await post(own, `/v1/payment-intents/${paid.id}/cancel`)).toBe(Number(stateError));
      expect(await post(own, `/v1/payment-intents/${paid.id}/capture`, { amount_to_capture: 'all' })).toBe(400);
      expect(await post(own, '/v1/payment-intents', { amount: 0 })).toBe(400);
    }));
});
