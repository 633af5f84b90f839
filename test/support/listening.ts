import * as ops from './operations.generated.js';
import type { Receiver } from './receiver.js';
import type { TestApp, World } from './world.js';

/** An endpoint of an app, with its secret. */
export interface Listening {
  readonly id: string;
  readonly secret: string;
}

/** Makes an endpoint of an app at a receiver, or another address. */
export async function listen(world: World, app: TestApp, at: Receiver | string, types: string[] = []): Promise<Listening> {
  const url = typeof at === 'string' ? at : at.url;
  const { webhookEndpointCreate: made } = await world.ask(app, ops.WebhookEndpointCreateDocument, { input: { url, types } });
  if (!made.webhookEndpoint || !made.secret) throw new Error(`No endpoint was made: ${JSON.stringify(made.userErrors)}`);
  return { id: made.webhookEndpoint.id, secret: made.secret };
}

/** The deliveries of an app, or to one of its endpoints, oldest first. */
export async function deliveriesOf(world: World, app: TestApp, endpointId?: string) {
  const { webhookDeliveries } = await world.ask(app, ops.WebhookDeliveriesDocument, { first: 100, endpointId: endpointId ?? null });
  return webhookDeliveries.nodes.toReversed();
}

/** Changes a customer's name, which is one event of theirs. */
export async function rename(world: World, app: TestApp, id: string, name: string): Promise<void> {
  const { customerUpdate } = await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name } });
  if (customerUpdate.userErrors.length > 0) throw new Error(JSON.stringify(customerUpdate.userErrors));
}
