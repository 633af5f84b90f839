import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventType, WebhookEndpointCreateParamsEnabledEvents } from 'tilled-node';
import { signPayload, verifySignature } from '../../src/tilled/tilled.signature.js';
import { both, here, Kit, Receiver, refusal, START, sdkFor } from './kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await Kit.open();
});
afterAll(() => kit.close());

/** The SDK types enabled_events as one word; Tilled takes, and the SDK sends, a list. */
const events = (...types: WebhookEndpointCreateParamsEnabledEvents[]) => Object.assign('*' as const, { toJSON: () => types });
const register = (own: Kit, url: string, ...types: WebhookEndpointCreateParamsEnabledEvents[]) =>
  own.sdk.webhooks.createWebhookEndpoint({
    tilled_account: own.account,
    WebhookEndpointCreateParams: { url, enabled_events: events(...types) },
  });

/** Runs the body on a sandbox and a receiver of its own, registered for all events. */
async function delivered(body: (own: Kit, receiver: Receiver, secret: string) => Promise<void>): Promise<void> {
  const [own, receiver] = [await Kit.open(), await Receiver.open()];
  try {
    const { data } = await register(own, receiver.url, '*');
    await body(own, receiver, String(data.secret));
  } finally {
    await Promise.all([own.close(), receiver.close()]);
  }
}

describe('webhook endpoints', () => {
  both('show their secret in the answer to the create and never again', async () => {
    const { status, data } = await register(kit, 'https://receiver.example/hook', 'customer.created');
    expect([status, data.enabled_events, typeof data.secret]).toEqual([201, ['customer.created'], 'string']);
    const id = { tilled_account: kit.account, id: data.id };
    const read = await kit.sdk.webhooks.getWebhookEndpoint(id);
    const patched = await kit.sdk.webhooks.updateWebhookEndpoint({ ...id, WebhookEndpointUpdateParams: { description: 'Ours' } });
    expect(read.data.secret ?? null).toBeNull();
    expect([patched.data.description, patched.data.secret ?? null]).toEqual(['Ours', null]);
    expect((await kit.sdk.webhooks.deleteWebhookEndpoint(id)).status).toBe(204);
  });

  both('refuse an event type that does not exist, such as refund.created, and a list that is none', async () => {
    for (const types of [['refund.created'], ['invoice.payment_failed'], [], 'customer.created']) {
      const body = { url: 'https://receiver.example/hook', enabled_events: types };
      expect((await kit.raw('POST', '/v1/webhook-endpoints', { body })).status).toBe(400);
    }
  });

  here('with * get every event, others only theirs', () =>
    delivered(async (own, receiver) => {
      const narrow = await Receiver.open();
      await register(own, narrow.url, 'payment_intent.succeeded');
      await own.customer();
      await own.pay(500);
      await own.sandbox.drain();
      expect(receiver.types()).toEqual(['customer.created', 'payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded']);
      expect(narrow.types()).toEqual(['payment_intent.succeeded']);
      await narrow.close();
    }),
  );

  here('of a partner get the events of its merchants, with the account of each', () =>
    delivered(async (own) => {
      const receiver = await Receiver.open();
      const partner = { accountId: 'acct_partner', type: 'partner' as const, secretKey: 'sk_partner' };
      await own.control('seed', { accounts: [partner, { accountId: 'acct_one', partnerId: 'acct_partner', secretKey: 'sk_one' }] });
      await sdkFor(own.url, 'sk_partner').webhooks.createWebhookEndpoint({
        tilled_account: 'acct_partner',
        WebhookEndpointCreateParams: { url: receiver.url, enabled_events: events('*') },
      });
      await sdkFor(own.url, 'sk_one').customers.createCustomer({ tilled_account: 'acct_one', CustomerCreateParams: {} });
      await own.sandbox.drain();
      expect(receiver.received.map(({ event }) => event['account_id'])).toEqual(['acct_one']);
      await receiver.close();
    }),
  );
});

describe('deliveries', () => {
  here('carry a signature over the raw bytes with a time in milliseconds', () =>
    delivered(async (own, receiver, secret) => {
      await own.customer();
      await own.sandbox.drain();
      const [webhook] = receiver.received;
      const header = String(webhook?.headers['tilled-signature']);
      const [, t, v1] = /^t=(\d{13}),v1=([0-9a-f]{64})$/.exec(header) ?? [];
      expect(v1).toBe(
        createHmac('sha256', secret)
          .update(`${t}.`)
          .update(webhook?.rawBody ?? '')
          .digest('hex'),
      );
      expect(Number(t)).toBe(START.getTime());
    }),
  );

  here('are the event of the same id, whose data is the resource itself', () =>
    delivered(async (own, receiver) => {
      const id = await own.customer();
      await own.sandbox.drain();
      const event = receiver.received[0]?.event ?? {};
      const read = await own.raw('GET', `/v1/events/${String(event['id'])}`);
      expect(receiver.received[0]?.rawBody.toString()).toBe(read.text);
      expect(event['data']).toMatchObject({ id, first_name: 'Ada' });
      expect(event['data']).not.toHaveProperty('object');
      expect(Object.keys(event)).toEqual(['account_id', 'created_at', 'data', 'id', 'type', 'updated_at']);
    }),
  );

  const failures = [500, 302, 400];
  for (const status of failures) {
    here(`answered ${status} are tried again with the same event and a fresh signature, until a 2xx`, () =>
      delivered(async (own, receiver) => {
        receiver.answers.push(status, status);
        await own.customer();
        await own.sandbox.drain();
        expect(receiver.received).toHaveLength(1);
        await own.advance({ days: 1 });
        expect(receiver.received).toHaveLength(3);
        expect(new Set(receiver.received.map(({ event }) => event['id'])).size).toBe(1);
        const times = receiver.received.map(({ headers }) => Number(/t=(\d+)/.exec(String(headers['tilled-signature']))?.[1]));
        expect(times.map((time) => time - START.getTime())).toEqual([0, 5_000, 35_000]);
      }),
    );
  }

  here('are given up after the last retry', () =>
    delivered(async (own, receiver) => {
      receiver.answers.push(...Array.from({ length: 20 }, () => 500));
      await own.customer();
      await own.advance({ days: 1 });
      expect(receiver.received).toHaveLength(5);
      expect((await own.raw('GET', '/_sandbox/state')).json['deliveries']).toEqual([]);
    }),
  );

  here('never keep the answer to the request waiting', () =>
    delivered(async (own) => {
      const nobody = await Receiver.open();
      await register(own, nobody.url, '*');
      await nobody.close();
      expect(await own.customer()).toMatch(/^cus_/);
    }),
  );

  here('wait while paused, come newest first when reordered, twice when duplicated, not at all when lost', () =>
    delivered(async (own, receiver) => {
      await own.control('webhooks', { paused: true, reorder: true });
      const ids = [await own.customer(), await own.customer()];
      await own.sandbox.drain();
      expect(receiver.received).toHaveLength(0);
      await own.control('webhooks', { paused: false });
      await own.sandbox.drain();
      const data = () => receiver.received.map(({ event }) => Object(event['data']).id);
      expect(data()).toEqual([...ids].reverse());
      await own.control('webhooks', { reorder: false, duplicate: 1 });
      const twice = await own.customer();
      await own.control('webhooks', { lose: 1 });
      await own.customer();
      await own.sandbox.drain();
      expect(data().slice(2)).toEqual([twice, twice]);
    }),
  );

  here('can be repeated and forged', () =>
    delivered(async (own, receiver, secret) => {
      await own.customer();
      await own.sandbox.drain();
      const eventId = receiver.received[0]?.event['id'];
      await own.control('webhooks', { redeliver: { eventId } });
      await own.sandbox.drain();
      expect(receiver.received.map(({ event }) => event['id'])).toEqual([eventId, eventId]);
      const { forged } = await own.control('webhooks', { forge: { url: receiver.url, event: { id: 'evt_forged' } } });
      expect(forged).toEqual({ status: 200 });
      const [, , forgery] = receiver.received;
      const verdict = verifySignature({
        header: String(forgery?.headers['tilled-signature']),
        rawBody: forgery?.rawBody ?? Buffer.alloc(0),
        secrets: [secret],
        nowMs: START.getTime(),
        toleranceMs: 300_000,
      });
      expect(verdict).toEqual({ ok: false, reason: 'mismatch' });
    }),
  );
});

describe('events', () => {
  const about = async (intent: { id: string; charges: { id: string }[] }) =>
    kit.eventTypes(intent.id, ...intent.charges.map((charge) => charge.id));

  both('of a card payment come as created, charge succeeded, succeeded', async () => {
    expect(await about(await kit.pay(500))).toEqual(['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded']);
  });

  both('of a declined one as created, charge failed, payment failed', async () => {
    expect(await about(await kit.pay(777701))).toEqual(['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed']);
  });

  both('of a manual capture tell the hold and the capture', async () => {
    const held = await kit.pay(500, { capture: 'manual' });
    await kit.sdk.intents.capturePaymentIntent({ tilled_account: kit.account, id: held.id, PaymentIntentCaptureParams: {} });
    expect(await about(held)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      'payment_intent.succeeded',
    ]);
  });

  both('of a bank debit and of a refund', async () => {
    const debit = await kit.pay(500, { type: 'ach_debit', method: await kit.bankAccount() });
    expect(await about(debit)).toEqual(['payment_intent.created', 'charge.pending', 'payment_intent.processing']);
    const paid = await kit.pay(500);
    await kit.sdk.refunds.createRefund({ tilled_account: kit.account, RefundCreateParams: { payment_intent_id: paid.id } });
    expect((await about(paid)).at(-1)).toBe('charge.refunded');
  });

  both('of a payment method are attached, updated and detached, not created', async () => {
    const { method } = await kit.payer();
    const id = { tilled_account: kit.account, id: method };
    await kit.sdk.methods.updatePaymentMethod({ ...id, PaymentMethodUpdateParams: { nick_name: 'Work' } });
    await kit.sdk.methods.detachPaymentMethodFromCustomer(id);
    expect(await kit.eventTypes(method)).toEqual(['payment_method.attached', 'payment_method.updated', 'payment_method.detached']);
  });

  both('are listed by type and by object', async () => {
    const paid = await kit.pay(500);
    const types: EventType[] = ['payment_intent.succeeded', 'payment_intent.created'];
    const { data } = await kit.sdk.events.listEvents({ tilled_account: kit.account, object_id: paid.id, types });
    expect(data.items.map((event) => event.type)).toEqual(types);
    const one = await kit.sdk.events.listEvents({ tilled_account: kit.account, object_id: paid.id, types: ['payment_intent.created'] });
    expect(one.data.total).toBe(1);
  });

  both('of more than 20 types at once are refused', async () => {
    const types = Array.from({ length: 21 }, () => 'customer.created' as const);
    expect((await refusal(kit.sdk.events.listEvents({ tilled_account: kit.account, types }))).status).toBe(400);
    expect((await kit.raw('GET', '/v1/events?types=refund.created')).status).toBe(400);
  });

  both('that are not there are 404', async () => {
    expect((await refusal(kit.sdk.events.getEvent({ tilled_account: kit.account, id: 'evt_nothing' }))).status).toBe(404);
  });

  here('are listed for 30 days', async () => {
    const own = await Kit.open();
    const id = await own.customer();
    await own.advance({ days: 30 });
    expect(await own.eventTypes(id)).toEqual(['customer.created']);
    await own.advance({ ms: 1 });
    expect(await own.eventTypes(id)).toEqual([]);
    await own.close();
  });
});

describe('signature', () => {
  const secret = 'whsec_demo_secret';
  const rawBody = Buffer.from('{"id":"evt_demo","type":"customer.created","data":{"id":"cus_demo"}}');
  const timestampMs = 1_760_000_000_000;
  const header = signPayload({ secret, rawBody, timestampMs });
  const verify = (change: { header?: string; secrets?: string[]; nowMs?: number; rawBody?: Buffer } = {}) =>
    verifySignature({ header, rawBody, secrets: [secret], nowMs: timestampMs, toleranceMs: 300_000, ...change });
  const digest = header.slice(header.indexOf('v1='));

  it('of the known vector is the known one', () => {
    expect(header).toBe('t=1760000000000,v1=74564c0c46e26afd08d6b4b9870032809e320c8aa68cef353a1169d118b59663');
    expect(verify()).toEqual({ ok: true, timestampMs });
  });

  it('is accepted when any v1 and any secret match, and of other schemes none', () => {
    expect(verify({ header: `t=${timestampMs},v1=${'0'.repeat(64)},v0=ffff,${digest}` }).ok).toBe(true);
    expect(verify({ secrets: ['whsec_new', secret] }).ok).toBe(true);
    expect(verify({ header: `t=${timestampMs},v0=${digest.slice(3)}` })).toEqual({ ok: false, reason: 'malformed' });
  });

  it('holds at the tolerance before and after, and not a millisecond beyond', () => {
    for (const distanceMs of [-300_000, 300_000]) expect(verify({ nowMs: timestampMs + distanceMs }).ok).toBe(true);
    for (const distanceMs of [-300_001, 300_001]) {
      expect(verify({ nowMs: timestampMs + distanceMs })).toEqual({ ok: false, reason: 'stale' });
    }
  });

  it('with a time in seconds is stale', () => {
    const inSeconds = signPayload({ secret, rawBody, timestampMs: 1_760_000_000 });
    expect(inSeconds).toMatch(/^t=\d{10},/);
    expect(verify({ header: inSeconds })).toEqual({ ok: false, reason: 'stale' });
  });

  it('of other bytes, another secret or another time does not match', () => {
    const refused = { ok: false, reason: 'mismatch' };
    expect(verify({ rawBody: Buffer.concat([rawBody, Buffer.from(' ')]) })).toEqual(refused);
    expect(verify({ secrets: ['whsec_other'] })).toEqual(refused);
    expect(verify({ secrets: [] })).toEqual(refused);
    expect(verify({ header: `t=${timestampMs + 1},${digest}` })).toEqual(refused);
  });

  it('that is absent is missing, that makes no sense is malformed', () => {
    expect(verify({ header: '' })).toEqual({ ok: false, reason: 'missing' });
    expect(verifySignature({ header: undefined, rawBody, secrets: [secret], nowMs: 0, toleranceMs: 0 })).toEqual({
      ok: false,
      reason: 'missing',
    });
    const nonsense = ['nonsense', digest, `t=abc,${digest}`, `t=1,t=2,${digest}`, `t=${timestampMs},v1=`, `t=${timestampMs},v1=zz`, 't=1'];
    for (const text of nonsense) expect([text, verify({ header: text })]).toEqual([text, { ok: false, reason: 'malformed' }]);
  });
});
