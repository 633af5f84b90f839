import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { DisputeFileCreateParamsType } from 'tilled-node';
import { both, here, Kit, refusal } from './kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await Kit.open();
});
afterAll(() => kit.close());

const createIntent = (change: Record<string, unknown> = {}) =>
  kit.sdk.intents.createPaymentIntent({
    tilled_account: kit.account,
    PaymentIntentCreateParams: { amount: 1000, currency: 'usd', payment_method_types: ['card'], ...change },
  });
const confirm = (id: string, change: { payment_method_id?: string } = {}) =>
  kit.sdk.intents.confirmPaymentIntent({ tilled_account: kit.account, id, PaymentIntentConfirmParams: change });
const capture = (id: string, amount?: number) =>
  kit.sdk.intents.capturePaymentIntent({
    tilled_account: kit.account,
    id,
    PaymentIntentCaptureParams: amount === undefined ? {} : { amount_to_capture: amount },
  });
const cancel = (id: string) => kit.sdk.intents.cancelPaymentIntent({ tilled_account: kit.account, id, PaymentIntentCancelParams: {} });
const update = (id: string, change: object) =>
  kit.sdk.intents.updatePaymentIntent({ tilled_account: kit.account, id, PaymentIntentUpdateParams: change });
const refund = (id: string, change: Record<string, unknown> = {}) =>
  kit.sdk.refunds.createRefund({ tilled_account: kit.account, RefundCreateParams: { payment_intent_id: id, ...change } });

describe('payment intents', () => {
  both('begin in requires_payment_method, or with a method in requires_confirmation', async () => {
    expect((await createIntent()).data).toMatchObject({ status: 'requires_payment_method', amount_received: 0, charges: [] });
    expect((await createIntent({ payment_method_id: await kit.card() })).data.status).toBe('requires_confirmation');
  });

  both('are refused without payment_method_types', async () => {
    const body = { amount: 1000, currency: 'usd' };
    expect((await kit.raw('POST', '/v1/payment-intents', { body })).status).toBe(400);
  });

  both('take no customer_id: the customer is the one the method belongs to, embedded whole', async () => {
    const { customer, method } = await kit.payer();
    const stranger = await kit.customer();
    const { data } = await createIntent({ payment_method_id: method, customer_id: stranger });
    expect(data.customer).toMatchObject({ id: customer, first_name: 'Ada' });
    expect(data.payment_method?.id).toBe(method);
    expect(data).not.toHaveProperty('customer_id');
  });

  both('of a card succeed at once, with one captured charge', async () => {
    const { data } = await createIntent({ payment_method_id: await kit.card() });
    const paid = await confirm(data.id);
    expect(paid.data).toMatchObject({ status: 'succeeded', amount_received: 1000, amount_capturable: 0 });
    expect(paid.data.charges).toMatchObject([{ status: 'succeeded', captured: true, amount_captured: 1000, refunded: false }]);
    const charge = await kit.sdk.charges.getCharge({ tilled_account: kit.account, id: String(paid.data.charges[0]?.id) });
    expect(charge.data.payment_intent_id).toBe(data.id);
    expect(charge.data).not.toHaveProperty('amount');
  });

  const declines: [number, string][] = [
    [777701, 'insufficient_funds'],
    [777702, 'avs_check_failed'],
    [777703, 'generic_decline'],
    [777704, 'call_issuer'],
    [777705, 'expired_card'],
    [777706, 'pickup_card'],
    [777707, 'invalid_number'],
    [777708, 'limit_exceeded'],
    [777709, 'not_permitted'],
    [777710, 'incorrect_cvc'],
    [777711, 'service_not_allowed'],
    [777712, 'invalid_expiry'],
    [777713, 'card_not_supported'],
    [777714, 'restricted_card'],
    [777715, 'fraudulent'],
    [777716, 'processing_error'],
  ];
  for (const [amount, code] of declines) {
    both(`of ${amount} are declined as ${code} in an answer of success`, async () => {
      const { data } = await createIntent({ amount, payment_method_id: await kit.card() });
      const declined = await confirm(data.id);
      expect(declined.status).toBe(201);
      expect(declined.data).toMatchObject({ status: 'requires_payment_method', amount_received: 0, last_payment_error: { code } });
      expect(declined.data.charges).toMatchObject([{ status: 'failed', failure_code: code, captured: false }]);
      expect(declined.data.last_payment_error?.charge_id).toBe(declined.data.charges[0]?.id);
    });
  }

  both('once declined can be paid with another method and amount, in a second charge', async () => {
    const { data } = await createIntent({ amount: 777701, payment_method_id: await kit.card(), confirm: true });
    const updated = await update(data.id, { amount: 777700 });
    expect(updated.data.last_payment_error).toBeNull();
    const paid = await confirm(data.id, { payment_method_id: await kit.card() });
    expect(paid.data).toMatchObject({ status: 'succeeded', amount_received: 777700, last_payment_error: null });
    expect(paid.data.charges.map((charge) => charge.status)).toEqual(['failed', 'succeeded']);
  });

  both('with manual capture hold the amount until it is captured', async () => {
    const held = await kit.pay(10000, { capture: 'manual' });
    expect(held).toMatchObject({ status: 'requires_capture', amount_capturable: 10000, amount_received: 0 });
    expect(held.charges).toMatchObject([{ status: 'succeeded', captured: false }]);
    const part = await capture(held.id, 6000);
    expect(part.data).toMatchObject({ status: 'succeeded', amount_received: 6000, amount_capturable: 0 });
    expect((await refusal(capture(held.id))).status).toBe(400);
  });

  both('cannot be captured for more than was authorized', async () => {
    const held = await kit.pay(1000, { capture: 'manual' });
    expect((await refusal(capture(held.id, 1001))).status).toBe(400);
  });

  here('not captured within 7 days are canceled by Tilled, and their charge expires', async () => {
    const held = await kit.pay(1000, { capture: 'manual' });
    await kit.advance({ days: 7, ms: -1 });
    expect((await kit.intent(held.id)).status).toBe('requires_capture');
    await kit.advance({ ms: 1 });
    expect(await kit.intent(held.id)).toMatchObject({ status: 'canceled', cancellation_reason: 'automatic', amount_capturable: 0 });
    expect(await kit.eventTypes(held.id, String(held.charges[0]?.id))).toContain('charge.expired');
  });

  here('of a bank account are processing until they settle', async () => {
    const debit = await kit.pay(1000, { type: 'ach_debit', method: await kit.bankAccount() });
    expect(debit).toMatchObject({ status: 'processing', amount_received: 0, charges: [{ status: 'pending' }] });
    await kit.control('settle', { paymentIntentId: debit.id });
    expect(await kit.intent(debit.id)).toMatchObject({ status: 'succeeded', amount_received: 1000 });
  });

  here('of a bank account settle by themselves with time', async () => {
    const debit = await kit.pay(777701, { type: 'ach_debit', method: await kit.bankAccount() });
    await kit.advance({ days: 3 });
    expect((await kit.intent(debit.id)).status).toBe('succeeded');
  });

  here('of a bank account can be returned, before they settled and after', async () => {
    const early = await kit.pay(1000, { type: 'ach_debit', method: await kit.bankAccount() });
    await kit.control('return', { paymentIntentId: early.id, code: 'R01' });
    expect(await kit.intent(early.id)).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code: 'R01' } });
    const late = await kit.pay(1000, { type: 'ach_debit', method: await kit.bankAccount() });
    await kit.control('settle', { paymentIntentId: late.id });
    await kit.control('return', { paymentIntentId: late.id, code: 'R10' });
    expect(await kit.intent(late.id)).toMatchObject({ status: 'requires_payment_method', amount_received: 0 });
  });

  both('cannot be canceled once they succeeded', async () => {
    expect((await refusal(cancel((await kit.pay(500)).id))).status).toBe(400);
  });

  both('refuse every change once canceled', async () => {
    const { data } = await createIntent();
    expect((await cancel(data.id)).data.status).toBe('canceled');
    const refusals = [update(data.id, { metadata: { a: '1' } }), confirm(data.id), capture(data.id), cancel(data.id)];
    for (const call of refusals) expect((await refusal(call)).status).toBe(400);
  });

  both('refuse a method of a type they do not take', async () => {
    expect((await refusal(createIntent({ payment_method_types: ['ach_debit'], payment_method_id: await kit.card() }))).status).toBe(400);
  });

  both('refuse a cancellation reason only Tilled may give', async () => {
    const { data } = await createIntent();
    const body = { cancellation_reason: 'automatic' };
    expect((await kit.raw('POST', `/v1/payment-intents/${data.id}/cancel`, { body })).status).toBe(400);
  });

  here('are declined as expired_card once the month on the card is over', async () => {
    const own = await Kit.open();
    const { method } = await own.payer();
    await own.advanceTo('2032-01-01');
    expect((await own.pay(500, { method })).last_payment_error?.code).toBe('expired_card');
    await own.close();
  });

  here('are declined as a test wishes, by method', async () => {
    const { method } = await kit.payer();
    await kit.control('declines', { paymentMethodId: method, code: 'do_not_honor' });
    expect((await kit.pay(500, { method })).last_payment_error?.code).toBe('do_not_honor');
    await kit.control('declines', { paymentMethodId: method, code: null });
    expect((await kit.pay(500, { method })).status).toBe('succeeded');
  });
});

describe('refunds', () => {
  both('in full before the batch are a void', async () => {
    const paid = await kit.pay(1000);
    const given = await refund(paid.id);
    expect(given.status).toBe(201);
    expect(given.data).toMatchObject({ amount: 1000, status: 'succeeded', payment_intent_id: paid.id, charge_id: paid.charges[0]?.id });
    expect(given.data).not.toHaveProperty('currency');
    const [charge] = (await kit.intent(paid.id)).charges;
    expect(charge).toMatchObject({ refunded: true, amount_refunded: 1000, refunds: [{ id: given.data.id }] });
    expect((await kit.intent(paid.id)).status).toBe('succeeded');
  });

  both('in part before the batch are refused: not batched yet', async () => {
    const paid = await kit.pay(1000);
    expect(await refusal(refund(paid.id, { amount: 400 }))).toMatchObject({ status: 400, message: expect.stringContaining('batched yet') });
  });

  here('in part are possible after the batch, up to what was captured', async () => {
    const paid = await kit.pay(1000);
    await kit.control('batch');
    expect((await refund(paid.id, { amount: 400 })).data.amount).toBe(400);
    expect((await refusal(refund(paid.id, { amount: 601 }))).status).toBe(400);
    expect((await kit.intent(paid.id)).charges[0]).toMatchObject({ amount_refunded: 400, refunded: false });
    expect((await refund(paid.id)).data.amount).toBe(600);
    expect((await kit.intent(paid.id)).charges[0]).toMatchObject({ amount_refunded: 1000, refunded: true });
    expect((await refusal(refund(paid.id))).status).toBe(400);
  });

  here('in part are possible by themselves after midnight in New York', async () => {
    const paid = await kit.pay(1000);
    await kit.advance({ days: 1 });
    expect((await refund(paid.id, { amount: 1 })).status).toBe(201);
  });

  both('refuse a reason in free text and a charge instead of a payment intent', async () => {
    const paid = await kit.pay(1000);
    const post = (body: object) => kit.raw('POST', '/v1/refunds', { body });
    expect((await post({ payment_intent_id: paid.id, reason: 'did not like it' })).status).toBe(400);
    expect((await post({ charge_id: paid.charges[0]?.id })).status).toBe(400);
    expect((await refund(paid.id, { reason: 'duplicate' })).data.reason).toBe('duplicate');
  });

  both('of a payment that took no money are refused', async () => {
    expect((await refusal(refund((await createIntent()).data.id))).status).toBe(400);
  });

  here('of a bank debit are pending until they settle, and give the amount back when they fail', async () => {
    const debit = await kit.pay(1000, { type: 'ach_debit', method: await kit.bankAccount() });
    await kit.control('settle', { paymentIntentId: debit.id });
    const pending = await refund(debit.id, { amount: 400 });
    expect(pending.data.status).toBe('pending');
    await kit.control('settle', { refundId: pending.data.id, failureCode: 'declined' });
    const { data } = await kit.sdk.refunds.getRefund({ tilled_account: kit.account, id: pending.data.id });
    expect(data).toMatchObject({ status: 'failed', failure_code: 'declined' });
    expect((await kit.intent(debit.id)).charges[0]).toMatchObject({ amount_refunded: 0 });
    expect(await kit.eventTypes(pending.data.id)).toEqual(['charge.refund.updated']);
  });

  both('are listed by metadata', async () => {
    const tag = `refund-${Math.random()}`;
    const { data } = await refund((await kit.pay(1000)).id, { metadata: { tag } });
    expect((await kit.raw('GET', `/v1/refunds?metadata[tag]=${tag}`)).json).toMatchObject({ total: 1, items: [{ id: data.id }] });
  });
});

describe('disputes', () => {
  const upload = async (name = 'receipt.pdf') => {
    const file = new File(['proof'], name, { type: 'application/pdf' });
    return kit.sdk.files.createFile({ tilled_account: kit.account, file, purpose: 'dispute_evidence' });
  };
  const evidence = (id: string, description: string, files: { file_id: string; type: DisputeFileCreateParamsType }[]) =>
    kit.sdk.disputes.createDisputeEvidence({ tilled_account: kit.account, id, DisputeEvidenceCreateParams: { description, files } });
  const disputed = async () => {
    const paid = await kit.pay(777799);
    await kit.advance({ ms: 2_000 });
    const { data } = await kit.sdk.disputes.listDisputes({ tilled_account: kit.account, charge_id: paid.charges[0]?.id });
    return { charge: paid.charges[0]?.id, dispute: data.items[0], total: data.total };
  };
  const read = async (id: string) => (await kit.sdk.disputes.getDispute({ tilled_account: kit.account, id })).data;

  here('open by themselves for a payment of 777799', async () => {
    const { charge, dispute, total } = await disputed();
    expect(total).toBe(1);
    expect(dispute).toMatchObject({ charge_id: charge, amount: 777799, currency: 'usd', status: 'needs_response' });
    expect(dispute).not.toHaveProperty('payment_intent_id');
    expect(dispute?.status_history).toHaveLength(1);
  });

  here('take evidence only with a file', async () => {
    const id = String((await disputed()).dispute?.id);
    expect((await refusal(evidence(id, 'They did order.', []))).status).toBe(400);
    const file = await upload();
    expect(file).toMatchObject({ status: 201, data: { purpose: 'dispute_evidence', type: 'pdf', filename: 'receipt.pdf', size: 5 } });
    const sent = await evidence(id, 'They did order.', [{ file_id: file.data.id, type: 'receipt' }]);
    expect(sent.status).toBe(201);
    expect(sent.data).toMatchObject({ status: 'under_review', evidence: { files: [{ file: { id: file.data.id }, type: 'receipt' }] } });
    expect(sent.data.status_history.map((entry) => entry.status)).toEqual(['needs_response', 'under_review']);
  });

  for (const [word, outcome] of [
    ['REVERSAL', 'won'],
    ['LOSS', 'lost'],
  ] as const) {
    here(`are ${outcome} when the evidence begins with ${word}`, async () => {
      const id = String((await disputed()).dispute?.id);
      await evidence(id, `${word} please`, [{ file_id: (await upload()).data.id, type: 'receipt' }]);
      await kit.advance({ ms: 5_000 });
      expect((await read(id)).status).toBe(outcome);
      expect(await kit.eventTypes(id)).toEqual(['dispute.created', 'dispute.updated', 'dispute.updated']);
    });
  }

  here('take no evidence after closing_at and are lost when nobody answered', async () => {
    const id = String((await disputed()).dispute?.id);
    const file = (await upload()).data.id;
    await kit.advanceTo(String((await read(id)).closing_at));
    expect((await refusal(evidence(id, 'Late.', [{ file_id: file, type: 'receipt' }]))).status).toBe(400);
    await kit.advanceTo(String((await read(id)).losing_at));
    expect((await read(id)).status).toBe('lost');
  });

  here('are opened and moved as a test wishes', async () => {
    const paid = await kit.pay(900);
    const opened = await kit.control('disputes', { paymentIntentId: paid.id, status: 'warning_needs_response', amount: 300 });
    await kit.control('disputes', { disputeId: opened['id'], status: 'warning_closed' });
    expect(await read(String(opened['id']))).toMatchObject({ status: 'warning_closed', amount: 300 });
  });

  both('refuse evidence for a dispute that is not there with 404', async () => {
    const call = evidence('dp_nothing', 'x', [{ file_id: 'file_x', type: 'receipt' }]);
    expect((await refusal(call)).status).toBe(404);
  });

  both('files of an unknown kind or purpose are refused', async () => {
    expect((await refusal(upload('script.exe'))).status).toBe(400);
    const form = new FormData();
    form.set('purpose', 'curiosity');
    form.set('file', new File(['x'], 'a.pdf'));
    const headers = { 'tilled-api-key': kit.secretKey, 'tilled-account': kit.account };
    expect((await fetch(`${kit.url}/v1/files`, { method: 'POST', headers, body: form })).status).toBe(400);
  });
});

describe('checkout sessions', () => {
  const open = (change: object = {}) =>
    kit.sdk.checkout.createCheckoutSession({
      tilled_account: kit.account,
      CheckoutSessionCreateParams: {
        line_items: [{ quantity: 2, price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'Seat' } } }],
        payment_intent_data: { payment_method_types: ['card'], metadata: { order: '7' } },
        ...change,
      },
    });
  const read = async (id: string) => (await kit.sdk.checkout.getCheckoutSession({ tilled_account: kit.account, id })).data;

  both('create a payment intent over the total of their lines', async () => {
    const { status, data } = await open();
    expect([status, data.status, data.amount_total]).toEqual([201, 'open', 5000]);
    const intent = await kit.intent(data.payment_intent_id);
    expect(intent).toMatchObject({ amount: 5000, status: 'requires_payment_method', metadata: { order: '7' } });
  });

  both('round each line: 3 × 0.3333 of 1.00 is 33 cents a line', async () => {
    const line = { quantity: 0.3333, price_data: { currency: 'usd', unit_amount: 100, product_data: { name: 'Third' } } };
    expect((await open({ line_items: [line, line, line] })).data.amount_total).toBe(99);
  });

  both('expire once', async () => {
    const { data } = await open();
    const expire = () => kit.sdk.checkout.expireCheckoutSession({ tilled_account: kit.account, id: data.id });
    expect(await expire()).toMatchObject({ status: 201, data: { status: 'expired' } });
    expect((await refusal(expire())).status).toBe(400);
  });

  here('expire by themselves', async () => {
    const { data } = await open();
    await kit.advance({ days: 1 });
    expect((await read(data.id)).status).toBe('expired');
  });

  const card = { name: 'Ada', number: '4111 1111 1111 1111', expiry: '12/31', cvc: '123', zip: '80301' };
  const submit = (url: string) => fetch(url, { method: 'POST', body: new URLSearchParams(card), redirect: 'manual' });

  here('are completed on their hosted page, which then sends the payer on', async () => {
    const { customer } = await kit.payer();
    const { data } = await open({ success_url: 'https://shop.example/thanks', customer_id: customer });
    expect(await (await fetch(data.url)).text()).toContain('Pay 50.00 USD');
    const answer = await submit(data.url);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'https://shop.example/thanks']);
    expect((await read(data.id)).status).toBe('complete');
    expect(await kit.intent(data.payment_intent_id)).toMatchObject({ status: 'succeeded', customer: { id: customer } });
    expect((await submit(data.url)).status).toBe(400);
  });

  here('stay open when the card is declined', async () => {
    const line = { quantity: 1, price_data: { currency: 'usd', unit_amount: 777701, product_data: { name: 'Declined' } } };
    const { data } = await open({ line_items: [line] });
    expect(await (await submit(data.url)).text()).toContain('insufficient funds');
    expect((await read(data.id)).status).toBe('open');
  });
});
