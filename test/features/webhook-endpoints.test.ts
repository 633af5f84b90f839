import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
beforeAll(async () => {
  world = await World.create();
  app = await world.app();
});
afterAll(() => world.close());

const URL = 'https://hooks.example.com/billing';
const create = async (input: Partial<ops.WebhookEndpointCreateInput> = {}, of = app) =>
  (await world.ask(of, ops.WebhookEndpointCreateDocument, { input: { url: URL, ...input } })).webhookEndpointCreate;
const update = async (input: ops.WebhookEndpointUpdateInput) =>
  (await world.ask(app, ops.WebhookEndpointUpdateDocument, { input })).webhookEndpointUpdate;
const remove = async (id: string) => (await world.ask(app, ops.WebhookEndpointDeleteDocument, { input: { id } })).webhookEndpointDelete;
const rotate = async (input: ops.WebhookEndpointSecretRotateInput) =>
  (await world.ask(app, ops.WebhookEndpointSecretRotateDocument, { input })).webhookEndpointSecretRotate;
const listed = async (of = app) => (await world.ask(of, ops.WebhookEndpointsDocument, {})).webhookEndpoints;
const idOf = ({ webhookEndpoint }: { readonly webhookEndpoint?: { readonly id: string } | null }) => webhookEndpoint?.id ?? '';

describe('webhookEndpointCreate', () => {
  it('answers an endpoint that is enabled, and its secret of 32 bytes, which no list has', async () => {
    const made = await create({ types: ['payment.*', 'refund.succeeded', 'payment.*'] });
    expect(made).toMatchObject({ userErrors: [], replayed: false });
    expect(made.webhookEndpoint).toMatchObject({
      url: URL,
      types: ['payment.*', 'refund.succeeded'],
      isEnabled: true,
      disabledReason: null,
    });
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]{43}=)$/.exec(made.secret ?? '') ?? [];
    expect(Buffer.from(encoded, 'base64')).toHaveLength(32);
    expect(await listed()).toContainEqual(made.webhookEndpoint);
    expect(JSON.stringify(await world.rows('billing_webhook_endpoints', app))).not.toContain(encoded);
  });

  it('answers the same endpoint to the same key, and its secret until it was rotated', async () => {
    const first = await create({ idempotencyKey: 'once' });
    const again = await create({ idempotencyKey: 'once' });
    expect(again).toMatchObject({ replayed: true, secret: first.secret, userErrors: [] });
    await rotate({ id: idOf(first) });
    expect(await create({ idempotencyKey: 'once' })).toMatchObject({ replayed: true, secret: null, userErrors: [] });
    expect(idOf(again)).toBe(idOf(first));
    expect((await create({ idempotencyKey: 'once', url: `${URL}/other` })).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
  });

  it.each([
    'https://10.0.0.1/',
    'https://169.254.169.254/',
    'https://[::ffff:10.0.0.1]/',
    'https://a:b@example.com/',
    'ftp://example.com/',
  ])('refuses an address that may not be delivered to: %s', async (url) => {
    const before = (await listed()).length;
    expect((await create({ url })).userErrors).toMatchObject([{ code: 'TARGET_REFUSED', field: ['url'] }]);
    expect((await listed()).length).toBe(before);
  });

  it.each([[['payment.paid']], [['invoice']], [['*']], [['payments.*']]])('refuses types that no event has: %s', async (types) => {
    expect((await create({ types })).userErrors).toMatchObject([{ code: 'INVALID', field: ['types'] }]);
  });

  it('makes fifty of them and no more, and another again once one is deleted', async () => {
    const other = await world.app();
    const made = [];
    for (let count = 0; count < 50; count += 1) made.push(await create({}, other));
    expect((await create({}, other)).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    expect(await listed(other)).toHaveLength(50);
    const { webhookEndpointDelete } = await world.ask(other, ops.WebhookEndpointDeleteDocument, {
      input: { id: idOf(made[0] ?? {}) },
    });
    expect(webhookEndpointDelete.userErrors).toEqual([]);
    expect((await create({}, other)).userErrors).toEqual([]);
  });
});

describe('webhookEndpointUpdate', () => {
  it('changes what is given, counts versions, and refuses a stale one', async () => {
    const id = idOf(await create());
    const changed = await update({ id, expectedVersion: 1, types: ['dispute.*'] });
    expect(changed.webhookEndpoint).toMatchObject({ version: 2, types: ['dispute.*'], url: URL, isEnabled: true });
    expect((await update({ id, expectedVersion: 1, url: `${URL}/2` })).userErrors).toMatchObject([{ code: 'STALE_VERSION' }]);
    expect((await update({ id, url: 'https://127.0.0.2:1/' })).userErrors).toEqual([]);
    expect((await update({ id, url: 'https://10.9.9.9/' })).userErrors).toMatchObject([{ code: 'TARGET_REFUSED' }]);
  });

  it('switches off and on, and says that it was the app', async () => {
    const id = idOf(await create());
    expect((await update({ id, isEnabled: false })).webhookEndpoint).toMatchObject({ isEnabled: false, disabledReason: 'switched_off' });
    expect((await update({ id, isEnabled: true })).webhookEndpoint).toMatchObject({ isEnabled: true, disabledReason: null });
  });
});

describe('webhookEndpointSecretRotate', () => {
  it('answers another secret each time, and keeps both sealed until the overlap is over', async () => {
    const made = await create();
    const rotated = await rotate({ id: idOf(made), overlapHours: 1 });
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(made.secret);
    const [row] = (await world.rows('billing_webhook_endpoints', app)).filter((one) => one['id'] === idOf(made));
    expect([String(row?.['secret_sealed']), String(row?.['previous_secret_sealed'])]).toEqual([
      expect.stringMatching(/^v1\./),
      expect.stringMatching(/^v1\./),
    ]);
  });

  it('rotates once for one key, and answers a repeat the same secret until another one took its place', async () => {
    const made = await create();
    const input = { id: idOf(made), idempotencyKey: 'rotate-once' };
    const sealed = async () => (await world.rows('billing_webhook_endpoints', app)).find((one) => one['id'] === idOf(made));
    const [first, beside] = await Promise.all([rotate(input), rotate(input)]);
    const before = await sealed();
    const again = await rotate(input);
    expect([first, beside, again].map(({ secret, userErrors }) => [secret, userErrors])).toEqual(Array(3).fill([first.secret, []]));
    expect([first.replayed, beside.replayed].toSorted()).toEqual([false, true]);
    expect(again.replayed).toBe(true);
    expect(await sealed()).toEqual(before);
    expect((await rotate({ ...input, overlapHours: 0 })).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
    expect((await rotate({ id: idOf(made) })).secret).not.toBe(first.secret);
    expect(await rotate(input)).toMatchObject({ replayed: true, secret: null, userErrors: [] });
    await remove(idOf(made));
    expect(await rotate(input)).toMatchObject({ replayed: true, secret: null });
  });

  it('refuses an overlap of more than a week', async () => {
    expect((await rotate({ id: idOf(await create()), overlapHours: 169 })).userErrors).toMatchObject([
      { code: 'INVALID', field: ['overlapHours'] },
    ]);
  });
});

describe('a repeat with the key of a request whose answer was lost', () => {
  const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });

  it('is told that the endpoint was changed, and changes nothing that came later', async () => {
    const { id = '', version } = (await create()).webhookEndpoint ?? {};
    const change = async () => {
      const input = { id, isEnabled: false, expectedVersion: version ?? 0 };
      return (await world.ask(app, ops.WebhookEndpointUpdateDocument, { input }, keyed('change'))).webhookEndpointUpdate;
    };
    expect(await change()).toMatchObject({ replayed: false, userErrors: [], webhookEndpoint: { isEnabled: false } });
    await update({ id, isEnabled: true });
    expect(await change()).toMatchObject({ replayed: true, userErrors: [], webhookEndpoint: { isEnabled: true } });
  });

  it('is told that the endpoint was deleted', async () => {
    const id = idOf(await create());
    const end = async () =>
      (await world.ask(app, ops.WebhookEndpointDeleteDocument, { input: { id } }, keyed('end'))).webhookEndpointDelete;
    expect(await end()).toMatchObject({ replayed: false, userErrors: [], webhookEndpoint: { id, disabledReason: 'deleted' } });
    expect(await end()).toMatchObject({ replayed: true, userErrors: [], webhookEndpoint: { id, disabledReason: 'deleted' } });
  });
});

describe('webhookEndpointDelete', () => {
  it('takes it out of every list and forgets its secrets; a second time there is none', async () => {
    const id = idOf(await create());
    expect((await remove(id)).webhookEndpoint).toMatchObject({ id, isEnabled: false, disabledReason: 'deleted' });
    expect((await listed()).map((endpoint) => endpoint.id)).not.toContain(id);
    const [row] = (await world.rows('billing_webhook_endpoints', app)).filter((one) => one['id'] === id);
    expect([row?.['secret_sealed'], row?.['previous_secret_sealed']]).toEqual([null, null]);
    for (const outcome of [await remove(id), await update({ id }), await rotate({ id })])
      expect(outcome.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
});
