import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SEALED_COLUMNS } from '../../src/access/secret-places.js';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { billing, gatewayThatEnds } from '../support/processes.js';
import { tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let plain: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  await world.gateway.webhooks.endpoints.register(await world.scope(app), `${world.url}/api/billing/webhooks/${app.id}`);
  await world.gateway.access.apps.setTilledSecretKey(app.id, app.tilledSecretKey);
  // One whose secret was changed, so that it has two.
  const { id: endpointId } = await listen(world, app, 'https://hooks.example.com/');
  await world.ask(app, ops.WebhookEndpointSecretRotateDocument, { input: { id: endpointId } });
  // Remembered until their traces are removed.
  const { id } = await world.customer(app);
  await world.ask(app, ops.CustomerDeleteDocument, { input: { id } });
  plain = await plainSecrets();
});
afterAll(() => world.close());

describe('the database', () => {
  it('holds sealed texts in every place of a secret, and the secrets themselves nowhere', async () => {
    expect(Object.keys(plain)).toHaveLength(SEALED_COLUMNS.length);
    for (const { table, column } of SEALED_COLUMNS) {
      const [row] = await world.gateway.database.query(`select ${column} as text from ${table} where ${column} is not null`, []);
      expect([column, row?.['text']]).toEqual([column, expect.stringMatching(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/)]);
    }
    for (const table of await tableNames(world.gateway.database)) {
      const text = JSON.stringify(await world.gateway.database.query(`select * from ${table}`, []));
      for (const secret of Object.values(plain)) expect([table, text.includes(secret)]).toEqual([table, false]);
    }
  });

  it('has no column for a secret or a key that is not sealed or hashed', async () => {
    const named: string[] = [];
    for (const table of await tableNames(world.gateway.database)) {
      const [row] = await world.gateway.database.query(`select * from ${table} limit 1`, []);
      named.push(
        ...Object.keys(row ?? {})
          .filter((column) => /secret|credential|password|token|sealed/.test(column))
          .map((column) => `${table}.${column}`),
      );
    }
    expect(named.toSorted()).toEqual(SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).toSorted());
  });
});

describe("an app's own key at Tilled", () => {
  it('is what Tilled is asked with for that app; the deployment’s is for the others', async () => {
    const other = await world.app();
    await world.gateway.access.apps.setTilledSecretKey(other.id, 'sk_of_nobody');
    const refused = await world.send(other, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } });
    expect(refused.data?.customerCreate.userErrors).toMatchObject([{ code: 'PROCESSOR_UNAVAILABLE' }]);
    expect((await world.customer(app)).id).toMatch(/^cus_/);
    await world.gateway.access.apps.setTilledSecretKey(other.id, null);
    expect((await world.customer(other)).id).toMatch(/^cus_/);
  });

  it('is read from standard input, and not taken when it is none', async () => {
    const environment = world.environment;
    const { status, stdout, stderr } = await billing(['apps', 'update', app.id, '--tilled-secret-key-stdin'], environment);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/not one of Tilled's secret keys/);
  });
});

describe('billing secrets rotate', () => {
  const next = randomBytes(32).toString('base64');

  it('seals everything with the new key, so that the old one opens nothing and the new one all', async () => {
    const count = await countSealed();
    const rotating = { ...world.environment, BILLING_ENCRYPTION_KEY: next, BILLING_ENCRYPTION_KEY_PREVIOUS: TEST_ENCRYPTION_KEY };
    const first = await billing(['secrets', 'rotate', '--json'], rotating);
    const rotated = JSON.parse(first.stdout) as { resealed: number; staleKeys: number };
    expect(rotated).toMatchObject({ resealed: count, unreadable: [] });
    expect(rotated.staleKeys).toBeGreaterThan(0);
    expect(JSON.parse((await billing(['secrets', 'rotate', '--json'], rotating)).stdout)).toMatchObject({ resealed: 0, unreadable: [] });
    await expect(plainSecrets()).rejects.toThrow(/not configured/);

    const withOldKey = await gatewayThatEnds({ ...world.environment, PORT: '0' });
    expect([withOldKey.status, withOldKey.stderr]).toEqual([
      78,
      expect.stringContaining(`BILLING_ENCRYPTION_KEY does not open ${count} secrets`),
    ]);
    for (const secret of [...Object.values(plain), next, TEST_ENCRYPTION_KEY]) expect(withOldKey.stderr).not.toContain(secret);

    const alone = await billing(['secrets', 'rotate', '--json'], world.environment);
    expect([alone.status, JSON.parse(alone.stdout)]).toMatchObject([1, { resealed: 0, unreadable: { length: count } }]);
  });

  it('leads back as well, and every secret is the one it was', async () => {
    const count = await countSealed();
    const back = { ...world.environment, BILLING_ENCRYPTION_KEY_PREVIOUS: next };
    expect(JSON.parse((await billing(['secrets', 'rotate', '--json'], back)).stdout)).toMatchObject({ resealed: count, staleKeys: 0 });
    await world.advance({ ms: 5_000 });
    expect(await plainSecrets()).toEqual(plain);
  });
});

describe('a secret that an earlier release left plain', () => {
  it('is sealed by the next start on the embedded database; elsewhere the start refuses it until it is rotated', async () => {
    const { id } = await world.app();
    const leave = 'update billing_apps set session_secret_sealed = ? where id = ?';
    await world.gateway.database.run(leave, [randomBytes(32).toString('base64url'), id]);
    if (world.gateway.database.isEmbedded) await world.gateway.secrets.prepare();
    else {
      await expect(world.gateway.secrets.prepare()).rejects.toThrow(/1 secrets that are not sealed. Run: billing secrets rotate/);
      expect(await world.gateway.secrets.rotate()).toMatchObject({ resealed: 1, unreadable: [] });
    }
    const app = await world.gateway.access.findApp(id);
    expect(world.gateway.vault.isCurrent(app?.sessionSecretSealed ?? '')).toBe(true);
    await world.gateway.secrets.prepare();
  });
});

async function countSealed(): Promise<number> {
  const counts = SEALED_COLUMNS.map(async ({ table, column }) => {
    const [row] = await world.gateway.database.query(`select count(${column}) as counted from ${table}`, []);
    return Number(row?.['counted']);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** What is sealed, as the gateway of this world opens it. */
async function plainSecrets(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { table, column, app: appColumn } of SEALED_COLUMNS) {
    const sql = `select id, ${column} as text from ${table} where ${appColumn} = ?`;
    const [row] = await world.gateway.database.query(sql, [app.id]);
    const place = [app.id, `${table}.${column}`, String(row?.['id'])];
    found[column] = world.gateway.vault.open(String(row?.['text']), place);
  }
  return found;
}
