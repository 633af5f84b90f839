import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

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
