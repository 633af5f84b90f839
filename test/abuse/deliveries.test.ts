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
