import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const URL = 'http://127.0.0.1:9/hooks';
const EVERYTHING_SINCE = new Date(0).toISOString();

let world: World;
let app: TestApp;
beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterAll(() => world.close());

describe('an id that is none', () => {
  it.each([
    ['longer than any', `we_${'x'.repeat(5_000)}`],
    ['of other letters', `we_${'é'.repeat(20)}`],
  ])('is not found by what changes endpoints and deliveries: one %s', async (_, id) => {
    const input = { input: { id } };
    const resend = async (what: ops.WebhookDeliveryResendInput) =>
      (await world.ask(app, ops.WebhookDeliveryResendDocument, { input: what })).webhookDeliveryResend.userErrors;
    const refusals = [
      (await world.ask(app, ops.WebhookEndpointUpdateDocument, input)).webhookEndpointUpdate.userErrors,
      (await world.ask(app, ops.WebhookEndpointDeleteDocument, input)).webhookEndpointDelete.userErrors,
      (await world.ask(app, ops.WebhookEndpointSecretRotateDocument, input)).webhookEndpointSecretRotate.userErrors,
      (await world.ask(app, ops.WebhookEndpointTestDocument, input)).webhookEndpointTest.userErrors,
      await resend({ deliveryId: id }),
      await resend({ endpointId: id, since: EVERYTHING_SINCE }),
    ].map(([error]) => [error?.code, error?.field?.join('.')]);
    expect(refusals).toEqual(['id', 'id', 'id', 'id', 'deliveryId', 'endpointId'].map((field) => ['NOT_FOUND', field]));
  });
});

describe('webhookDeliveryResend', () => {
  /** Events of customers that were published, as many rows as it takes. */
  async function history(count: number): Promise<void> {
    await world.customer(app);
    await world.settle();
    const [row = {}] = await world.rows('billing_app_events', app);
    const names = Object.keys(row);
    const rows = Array.from({ length: count }, (_, index) => ({
      ...row,
      ...{ id: `ev_${String(index + 1).padStart(26, '0')}`, sequence: index + 2, position: index + 2 },
    }));
    for (let start = 0; start < count; start += 500) {
      const part = rows.slice(start, start + 500).map((one) => names.map((name) => (one as Record<string, unknown>)[name]));
      const values = part.map(() => `(${names.map(() => '?').join(', ')})`).join(', ');
      await world.gateway.database.run(`insert into billing_app_events (${names.join(', ')}) values ${values}`, part.flat());
    }
    const counted = 'update billing_customers set event_sequence = ? where app_id = ? and id = ?';
    await world.gateway.database.run(counted, [count + 1, app.id, (row as { object_id?: string }).object_id]);
  }

  const resend = async (input: ops.WebhookDeliveryResendInput) =>
    (await world.ask(app, ops.WebhookDeliveryResendDocument, { input })).webhookDeliveryResend;

  it('reads of a long time only what the endpoint wants', async () => {
    await history(3_000);
    const { id: endpointId } = await listen(world, app, URL, ['dispute.*']);
    const statements = await world.statements(async () => {
      expect(await resend({ endpointId, since: EVERYTHING_SINCE })).toMatchObject({ count: 0, userErrors: [] });
    });
    expect(statements.filter((sql) => sql.includes('billing_app_events'))).toHaveLength(1);
  });

  it('heaps up no more than some thousands for an endpoint, however often it is asked', async () => {
    await history(6_000);
    const { id: endpointId } = await listen(world, app, URL);
    for (const count of [6_000, 6_000])
      expect(await resend({ endpointId, since: EVERYTHING_SINCE })).toMatchObject({ count, userErrors: [] });
    expect((await resend({ endpointId, since: EVERYTHING_SINCE })).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    // One is sent all the same: it may be the one that matters.
    const [delivery] = (await world.ask(app, ops.WebhookDeliveriesDocument, { first: 1 })).webhookDeliveries.nodes;
    expect(await resend({ deliveryId: delivery?.id ?? '' })).toMatchObject({ count: 1, userErrors: [] });
  });
});

describe('a key that is confined', () => {
  const confined = (...scopes: string[]) => world.key(app, 'service', { scopes: ['events:read', 'events:write', ...scopes] });
  const create = async (credential: string, types: string[]) =>
    world.send(app, ops.WebhookEndpointCreateDocument, { input: { url: URL, types } }, { credential });
  const update = async (credential: string, input: ops.WebhookEndpointUpdateInput) =>
    world.send(app, ops.WebhookEndpointUpdateDocument, { input }, { credential });
  const FORBIDDEN = { data: null, errors: [{ extensions: { code: 'FORBIDDEN' } }] };

  it('has nothing posted that it may not read', async () => {
    const credential = await confined('payments:read');
    for (const types of [[], ['customer.*'], ['payment.*', 'refund.failed']])
      expect(await create(credential, types)).toMatchObject(FORBIDDEN);
    expect(await world.rows('billing_webhook_endpoints', app)).toEqual([]);
    expect((await create(credential, ['payment.*'])).data?.webhookEndpointCreate).toMatchObject({
      userErrors: [],
      secret: expect.any(String),
    });
  });

  it('leads no endpoint elsewhere, and has it told no more, than it may read; all else of it it may change', async () => {
    const { id } = await listen(world, app, URL, ['payment.*']);
    const credential = await confined('customers:read');
    for (const change of [
      { url: `${URL}/elsewhere` },
      { types: ['payment.failed'] },
      { types: [] },
      { types: ['customer.*', 'dispute.*'] },
    ])
      expect(await update(credential, { id, ...change })).toMatchObject(FORBIDDEN);
    expect(await world.rows('billing_webhook_endpoints', app)).toMatchObject([{ url: URL, types: '["payment.*"]' }]);
    const { data } = await update(credential, { id, isEnabled: false });
    expect(data?.webhookEndpointUpdate).toMatchObject({ userErrors: [], webhookEndpoint: { isEnabled: false } });
    expect((await update(credential, { id, types: ['customer.*'], url: `${URL}/elsewhere` })).errors).toEqual([]);
  });

  it('lists deliveries, and does not read in them the events that it may not', async () => {
    await listen(world, app, URL);
    await world.customer(app);
    await world.settle();
    const credential = await confined('customers:read');
    const ask = (fields: string) => world.post({ query: `{ webhookDeliveries { nodes { ${fields} } } }` }, { credential });
    expect((await ask('id status')).data).toMatchObject({ webhookDeliveries: { nodes: [{ status: 'FAILED' }] } });
    expect(await ask('event { payload }')).toMatchObject(FORBIDDEN);
  });
});
