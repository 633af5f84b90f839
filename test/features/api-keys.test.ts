import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { billing, type Environment } from '../support/processes.js';
import { tableNames } from '../support/tables.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

const DAY_MS = 86_400_000;

let world: World;
let app: TestApp;
let beside: GatewayBeside;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  beside = await world.anotherGateway();
});
afterAll(async () => {
  await beside.close();
  await world.close();
});

describe('a key in the database', () => {
  it('is there as a keyed hash only: neither itself nor its plain SHA-256 is in any column of any table', async () => {
    const key = await world.key(app, 'service');
    const plain = createHash('sha256').update(key).digest('hex');
    for (const table of await tableNames(world.gateway.database)) {
      const text = JSON.stringify(await world.gateway.database.query(`select * from ${table}`, []));
      expect([table, text.includes(key), text.includes(plain)]).toEqual([table, false, false]);
    }
    const [row] = (await rowsOfKeys()).filter((found) => found['hint'] === key.slice(0, 12));
    expect(row).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), pepper_id: world.gateway.vault.keyId });
  });
});

describe('asking with a key', () => {
  it('reads neither the key nor its app again for five seconds', async () => {
    await world.ask(app, ops.AppDocument, {});
    const again = await world.statements(() => world.ask(app, ops.AppDocument, {}));
    expect(again).toEqual([]);
    await world.advance({ ms: 5_000 });
    const later = await world.statements(() => world.ask(app, ops.AppDocument, {}));
    expect(later.filter((sql) => sql.startsWith('select') && /billing_(api_keys|apps)/.test(sql))).toHaveLength(2);
  });

  it('leaves nothing behind in memory when the key is made up, and asks no database for what has not the form of a key', async () => {
    const { keys } = world.gateway.access;
    const sizeOf = () => (keys as unknown as { cache: { size: number } }).cache.size;
    const before = sizeOf();
    for (let index = 0; index < 50; index += 1) await keys.recognise(`bg_svc_${String(index).padStart(43, 'x')}`);
    expect(sizeOf()).toBe(before);
    expect(await world.statements(() => keys.recognise('bg_svc_short'))).toEqual([]);
  });

  it('notes the minute of its last use, once a minute, whatever the number of requests and gateways', async () => {
    const key = await world.key(app, 'read_only');
    const writes = await world.statements(async () => {
      for (let times = 0; times < 5; times += 1) await world.ask(app, ops.AppDocument, {}, { credential: key });
      await beside.get(key);
      await world.until(async () => (await lastUse(key)) !== null);
    });
    expect(writes.filter((sql) => sql.includes('last_used_at = '))).toHaveLength(1);
    const first = await lastUse(key);
    await world.advance({ ms: 59_000 });
    await world.ask(app, ops.AppDocument, {}, { credential: key });
    expect(await lastUse(key)).toEqual(first);
    await world.advance({ ms: 2_000 });
    await world.ask(app, ops.AppDocument, {}, { credential: key });
    await world.until(async () => String(await lastUse(key)) !== String(first));
  });
});

describe('a key that ends', () => {
  it('opens until its last moment and nothing after', async () => {
    const key = await world.key(app, 'service', { expiresInDays: 1 });
    await world.advance({ ms: DAY_MS - 1 });
    expect(await world.send(app, ops.AppDocument, {}, { credential: key })).toMatchObject({ status: 200 });
    await world.advance({ ms: 1 });
    expect(await world.send(app, ops.AppDocument, {}, { credential: key })).toMatchObject({ status: 401, data: null });
  });

  it('when revoked opens nothing at once here, and nothing in another gateway five seconds later', async () => {
    const key = await world.key(app, 'service');
    const { id } = await idOf(key);
    expect([await statusHere(key), await beside.get(key)]).toEqual([200, 200]);
    await world.gateway.access.revokeKey(id);
    expect(await statusHere(key)).toBe(401);
    await world.advance({ ms: 5_000 });
    expect(await beside.get(key)).toBe(401);
  });

  it('when rotated opens beside its successor until the overlap is over; the successor has its role and scopes', async () => {
    const old = await world.key(app, 'service', { scopes: ['customers:read'], expiresInDays: 30 });
    const { id } = await idOf(old);
    const { id: newId, key } = await world.gateway.access.rotateKey(id, 3_600_000);
    expect([await statusHere(old), await statusHere(key)]).toEqual([200, 200]);
    await world.advance({ ms: 3_600_000 });
    expect([await statusHere(old), await statusHere(key), await beside.get(old)]).toEqual([401, 200, 401]);
    const [before, after] = [await world.gateway.access.keys.get(id), await world.gateway.access.keys.get(newId)];
    expect(before.replacedBy).toBe(newId);
    expect(after).toMatchObject({ role: 'service', scopes: ['customers:read'], replacedBy: null });
    expect(Number(after.expiresAt) - Number(after.createdAt)).toBe(30 * DAY_MS);
  });

  it('is replaced by one key, however many ask at the same time', async () => {
    const { id } = await idOf(await world.key(app, 'service'));
    const before = (await rowsOfKeys()).length;
    const made = await Promise.allSettled([1, 2, 3].map(() => world.gateway.access.rotateKey(id, 1_000)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await rowsOfKeys()).toHaveLength(before + 1);
  });
});

describe('a key that is confined to reading customers', () => {
  it('reads a customer by every way, and not what the customer leads to', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id);
    const credential = await world.key(app, 'service', { scopes: ['customers:read'] });
    const ask = (query: string) => world.post<Record<string, unknown>>({ query }, { credential });
    const found = { data: { customer: { id: customer.id }, node: { id: customer.id } }, errors: [] };
    expect(await ask(`{ customer(id: "${customer.id}") { id } node(id: "${customer.id}") { id } }`)).toMatchObject(found);
    expect((await ask(`{ node(id: "${payment.id}") { id } }`)).data).toEqual({ node: null });
    for (const refused of [
      `{ customer(id: "${customer.id}") { payments { nodes { id } } } }`,
      `{ payment(id: "${payment.id}") { id } }`,
      '{ webhookHealth { dead } }',
      `mutation { customerDelete(input: {id: "${customer.id}"}) { customer { id } } }`,
    ]) {
      const answer = await ask(refused);
      expect([refused, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([refused, ['FORBIDDEN']]);
      expect(JSON.stringify(answer.data)).not.toContain(payment.id);
    }
  });
});

describe('a key of before another encryption key', () => {
  it('opens while the previous one is configured, and is brought over by its next use', async () => {
    const key = await world.key(app, 'service');
    const next = await world.anotherGateway({ hasNewEncryptionKey: true });
    expect(await next.get(key)).toBe(200);
    await world.until(async () => (await idOf(key)).pepperId === next.keyId);
    expect(await next.get(key)).toBe(200);
    await next.close();
  });
});

describe('billing keys', () => {
  let environment: Environment;

  beforeAll(() => {
    environment = world.environment;
  });

  it('makes, lists, rotates and revokes, and shows a key only where it makes one', async () => {
    const scopes = ['--scope', 'customers:read', 'payments:write', '--expires-in-days', '7'];
    const made = await run(['keys', 'create', '--app', app.id, ...scopes, '--json']);
    expect(made).toMatchObject({ id: expect.stringMatching(/^key_/), role: 'service', scopes: ['customers:read', 'payments:write'] });
    const rotated = await run(['keys', 'rotate', '--id', String(made['id']), '--overlap-hours', '1', '--json']);
    expect(rotated).toMatchObject({ replaces: made['id'], key: expect.stringMatching(/^bg_svc_/) });
    expect((await billing(['keys', 'revoke', '--id', String(rotated['id'])], environment)).stdout).toBe(`Revoked ${rotated['id']}.\n`);
    const { stdout } = await billing(['keys', 'list', '--app', app.id, '--json'], environment);
    const listed = JSON.parse(stdout) as Record<string, unknown>[];
    expect(listed.find(({ id }) => id === made['id'])).toMatchObject({ replacedBy: rotated['id'], revokedAt: null });
    expect(listed.find(({ id }) => id === rotated['id'])).toMatchObject({ revokedAt: expect.any(String) });
    for (const secret of [made['key'], rotated['key']]) expect(stdout).not.toContain(secret);
    expect(stdout).not.toMatch(/hash|pepper/i);
  });

  it.each([
    ['a scope that there is not', ['keys', 'create', '--app', 'app-1', '--scope', 'everything'], /There is no scope everything/],
    [
      'a read-only key that writes',
      ['keys', 'create', '--app', 'app-1', '--role', 'read-only', '--scope', 'payments:write'],
      /read-only key cannot/,
    ],
    ['a life of no days', ['keys', 'create', '--app', 'app-1', '--expires-in-days', '0'], /whole number from 1/],
    ['to rotate a key that is not there', ['keys', 'rotate', '--id', 'key_none'], /There is no key key_none/],
    ['to revoke a key that is not there', ['keys', 'revoke', '--id', 'key_none'], /There is no key key_none/],
  ])('refuses %s', async (_, args, words) => {
    const { status, stdout, stderr } = await billing(args, environment);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(words);
  });

  async function run(args: readonly string[]): Promise<Record<string, unknown>> {
    const { status, stdout, stderr } = await billing(args, environment);
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Record<string, unknown>;
  }
});

async function statusHere(credential: string): Promise<number> {
  return (await world.send(app, ops.AppDocument, {}, { credential })).status;
}

function rowsOfKeys() {
  return world.rows('billing_api_keys', app);
}

async function idOf(key: string): Promise<{ id: string; pepperId: string }> {
  const hashes = world.gateway.vault.fingerprints(key).map(({ hash }) => hash);
  const rows = await rowsOfKeys();
  // After a rotation of the encryption key the hash is another: the hint tells the keys of this file apart as well.
  const row = rows.find((found) => hashes.includes(String(found['hash']))) ?? rows.find((found) => found['hint'] === key.slice(0, 12));
  return { id: String(row?.['id']), pepperId: String(row?.['pepper_id']) };
}

async function lastUse(key: string): Promise<unknown> {
  const { id } = await idOf(key);
  return (await world.gateway.access.keys.get(id)).lastUsedAt;
}
