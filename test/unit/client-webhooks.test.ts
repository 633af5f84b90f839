import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type RejectionCode, WebhookRejected, webhooks } from '../../client/src/index.js';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const BODY = JSON.stringify({
  ...{ type: 'payment.succeeded', timestamp: '2026-03-01T12:00:00.000Z', schemaVersion: '1' },
  data: { object: { __typename: 'Payment', id: 'pay_1', description: 'Café ☕' }, sequence: 2, cause: 'job:payment.create' },
});

/** What a delivery has, signed by the library with these secrets, so many seconds ago. */
function delivery(secrets: readonly string[], { body = BODY, agoSeconds = 0 } = {}) {
  const at = new Date(Date.now() - agoSeconds * 1_000);
  const signatures = secrets.map((secret) => new Webhook(secret).sign('ev_1', at, body));
  return { 'Webhook-Id': 'ev_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)), 'webhook-signature': signatures.join(' ') };
}

/** Why a delivery is not believed. */
async function rejection(...[body, headers, secrets]: Parameters<typeof webhooks.verify>): Promise<RejectionCode | unknown> {
  const error = await webhooks.verify(body, headers, secrets).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof WebhookRejected ? error.code : error;
}

describe('webhooks.verify', () => {
  it.each([
    ['text', BODY],
    ['bytes', new TextEncoder().encode(BODY)],
    ['a Buffer', Buffer.from(BODY)],
    ['an ArrayBuffer', new TextEncoder().encode(BODY).buffer],
  ])('gives the event of a delivery that the library signed, of %s', async (_, body) => {
    const event = await webhooks.verify(body, delivery([SECRET]), SECRET);
    expect(event).toEqual({ id: 'ev_1', ...JSON.parse(BODY) });
    if (event.type !== 'payment.succeeded') throw new Error(`It is ${event.type}.`);
    expect(event.data.object.description).toBe('Café ☕');
  });

  it('looks at a few signatures of a delivery, not at as many as somebody sends', async () => {
    const headers = delivery([SECRET]);
    const [good] = headers['webhook-signature'].split(' ');
    const others = (count: number) => Array.from({ length: count }, (_, index) => `v1,${Buffer.alloc(32, index).toString('base64')}`);
    const signedBy = (...signatures: unknown[]) => ({ ...headers, 'webhook-signature': signatures.join(' ') });
    expect(await webhooks.verify(BODY, signedBy('v2,x', ...others(7), good), SECRET)).toMatchObject({ id: 'ev_1' });
    expect(await rejection(BODY, signedBy(...others(300), good), SECRET)).toBe('WRONG_SIGNATURE');
  });

  it('takes headers of every kind', async () => {
    const headers = delivery([SECRET]);
    expect(await webhooks.verify(BODY, new Headers(headers), SECRET)).toMatchObject({ id: 'ev_1' });
    const listed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
    expect(await webhooks.verify(BODY, listed, SECRET)).toMatchObject({ id: 'ev_1' });
    // Those of another fetch than the platform's.
    const { get } = Headers.prototype;
    const others = { get: (name: string) => get.call(new Headers(headers), name) };
    expect(await webhooks.verify(BODY, others, SECRET)).toMatchObject({ id: 'ev_1' });
  });

  it('believes either secret while one takes the place of another', async () => {
    for (const signers of [[SECRET], [OTHER], [SECRET, OTHER]])
      for (const known of [
        [SECRET, OTHER],
        [OTHER, SECRET],
      ])
        expect(await webhooks.verify(BODY, delivery(signers), known)).toMatchObject({ id: 'ev_1' });
  });

  it('believes for five minutes, in both directions, and no longer', async () => {
    expect(await webhooks.verify(BODY, delivery([SECRET], { agoSeconds: 295 }), SECRET)).toMatchObject({ id: 'ev_1' });
    expect(await webhooks.verify(BODY, delivery([SECRET], { agoSeconds: -295 }), SECRET)).toMatchObject({ id: 'ev_1' });
    expect(await rejection(BODY, delivery([SECRET], { agoSeconds: 305 }), SECRET)).toBe('TOO_OLD');
    expect(await rejection(BODY, delivery([SECRET], { agoSeconds: -310 }), SECRET)).toBe('TOO_NEW');
  });

  it('believes no other secret, body, id or time, and none of the signatures of another kind', async () => {
    const headers = delivery([SECRET]);
    const signature = headers['webhook-signature'];
    expect(await rejection(BODY, headers, OTHER)).toBe('WRONG_SIGNATURE');
    expect(await rejection(`${BODY} `, headers, SECRET)).toBe('WRONG_SIGNATURE');
    expect(await rejection(BODY, { ...headers, 'Webhook-Id': 'ev_2' }, SECRET)).toBe('WRONG_SIGNATURE');
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(await rejection(BODY, { ...headers, 'webhook-timestamp': later }, SECRET)).toBe('WRONG_SIGNATURE');
    const others = [signature.replace('v1,', 'v2,'), signature.slice(0, -4), signature.replace('v1,', ''), 'v1,', 'v1,%%%'];
    for (const one of others) expect(await rejection(BODY, { ...headers, 'webhook-signature': one }, SECRET)).toBe('WRONG_SIGNATURE');
  });

  it('refuses what lacks a header, and what is no event although it was signed', async () => {
    for (const name of ['Webhook-Id', 'webhook-timestamp', 'webhook-signature'])
      expect(await rejection(BODY, { ...delivery([SECRET]), [name]: undefined }, SECRET)).toBe('MISSING_HEADERS');
    expect(await rejection(BODY, { ...delivery([SECRET]), 'webhook-timestamp': 'now' }, SECRET)).toBe('MALFORMED');
    const bodies = ['', 'null', '[]', '{"type":"payment.succeeded"}', BODY.replace('"sequence":2', '"sequence":"2"')];
    for (const body of bodies) expect(await rejection(body, delivery([SECRET], { body }), SECRET)).toBe('MALFORMED');
  });

  it.each([
    ['a body that was parsed', JSON.parse(BODY), SECRET, 'express.json()'],
    ['no body', undefined, SECRET, 'rawBody'],
    ['no secret', BODY, undefined, 'whsec_'],
    ['none of the secrets', BODY, [], 'whsec_'],
  ])('says what the receiver did wrong: %s', async (_, body, secrets, word) => {
    const error = await rejection(body, delivery([SECRET]), secrets as string[]);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(word);
  });

  it('says that a secret is none, without the secret', async () => {
    for (const secret of ['', 'whsec_', 'hunter2', 'whsec_%hunter2%']) {
      const error = await rejection(BODY, delivery([SECRET]), [OTHER, secret]);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toContain('hunter2');
    }
  });
});
