import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fleet } from '../support/fleet.js';
import { GaleraCluster } from '../support/galera-cluster.mjs';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const CUSTOMERS = 60;

let cluster: GaleraCluster;
let world: World;
let app: TestApp;
/** Its gateways are on the second and the third node, that of the world on the first. */
let fleet: Fleet;
let urls: string[];

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  const [first, ...others] = cluster.nodes;
  world = await World.create({ scratch: { url: first.url, drop: async () => undefined }, clock: 'running' });
  app = await world.app();
  fleet = new Fleet({ ...world.environment, BILLING_DATA_DIR: '/nonexistent' });
  const ports = [await freePort(), await freePort()];
  await Promise.all(
    others.map((node, at) =>
      fleet.startGateway(ports[at] ?? 0, { DATABASE_URL_BILLING: node.urlOf({ user: 'billing' }) }, `gateway-${at}`),
    ),
  );
  urls = [world.url, ...ports.map((port) => `http://127.0.0.1:${port}`)];
});
afterAll(async () => {
  await fleet.close();
  await world.close();
  await cluster.close();
});

describe('what was confirmed through one node', () => {
  it('is read, changed and referred to at once through every other', async () => {
    for (let at = 0; at < CUSTOMERS; at += 1) {
      const [here, there, elsewhere] = [0, 1, 2].map((step) => ({ url: urls[(at + step) % urls.length] ?? '' }));
      const input = { email: `payer-${at}@example.com`, externalId: randomUUID() };
      const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input }, here);
      const id = customerCreate.customer?.id ?? '';
      const renamed = await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: `Payer ${at}` } }, there);
      expect(renamed.customerUpdate.userErrors).toEqual([]);
      const { customer } = await world.ask(app, ops.CustomerDocument, { id }, elsewhere);
      expect(customer).toMatchObject({ name: `Payer ${at}` });
      const again = await world.ask(app, ops.CustomerCreateDocument, { input: { ...input, email: 'other@example.com' } }, there);
      expect(again.customerCreate.userErrors).toMatchObject([{ code: 'DUPLICATE_EXTERNAL_ID' }]);
    }
  });
});
