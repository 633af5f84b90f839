import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GaleraCluster } from '../support/galera-cluster.mjs';
import { type TestApp, World } from '../support/world.js';

let cluster: GaleraCluster;
let world: World;
let app: TestApp;

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  world = await World.create({ scratch: { url: cluster.nodes[0].url, drop: async () => undefined }, clock: 'running' });
  app = await world.app();
});
afterAll(async () => {
  await world.close();
  await cluster.close();
});

it('a payment that was answered is on every node', async () => {
  const { customer } = await world.payer(app);
  const { id } = await world.payment(app, customer.id);
  await cluster.whole();
  for (const node of cluster.nodes) {
    const connection = await node.administer();
    const [rows] = await connection.query('select status from billing_db.billing_payments where id = ?', [id]);
    connection.destroy();
    expect(rows).toEqual([{ status: 'SUCCEEDED' }]);
  }
});
