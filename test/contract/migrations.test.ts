import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MIGRATIONS } from '../../migrations/index.js';
import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { LOCK_COLUMN } from '../../src/platform/db/lock.fence.js';
import { createLog } from '../../src/platform/log.js';
import { type CatalogTable, readCatalog } from '../support/catalog.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { dumpSchema } from '../support/schema-dump.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { type TestApp, World } from '../support/world.js';

const GOLDEN = 'migrations/schema.sql';

/** Tables without app_id, each with its reason. */
const SHARED: Readonly<Record<string, string>> = {
  billing_apps: 'the directory of apps itself',
  billing_attestations: 'what people attested of the deployment, for preflight',
  billing_backups: 'backups and drills are of the deployment, with all its apps',
  billing_migrations: 'the list of applied migrations',
};

/** Keys that do not begin with app_id, each with its reason. */
const ACROSS_APPS: Readonly<Record<string, string>> = {
  billing_api_keys_hash: 'which app a credential belongs to is what is being asked',
  billing_app_events_unpublished: 'a worker publishes what was written first, of all apps',
  billing_jobs_due: 'a worker takes the oldest due work of all apps',
  billing_webhooks_unqueued: 'a worker queues what arrived first, of all apps',
};

let migrated: Foundation;
let catalog: Readonly<Record<string, CatalogTable>>;
const scratches: ScratchDatabase[] = [];
const foundations: Foundation[] = [];

beforeAll(async () => {
  migrated = await open((await scratch()).url);
  await migrated.migrator.migrate();
  catalog = await readCatalog(migrated.database);
});
afterAll(async () => {
  for (const { database } of foundations) await database.close();
  for (const made of scratches) await made.drop();
});

describe('the migrations', () => {
  it('apply to an empty database, and a second time there is nothing to do', async () => {
    const { migrator, database } = await open((await scratch()).url);
    expect(await migrator.inspect()).toEqual({ kind: 'behind', pending: MIGRATIONS.map(({ name }) => name), begun: [] });
    expect(await migrator.migrate()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
    const before = await readCatalog(database);
    expect(await migrator.migrate()).toEqual([]);
    expect(await readCatalog(database)).toEqual(before);
  });

  it('have names that sort as they are applied', () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect(names.toSorted()).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are applied once by three processes at the same time, and all three succeed', async () => {
    const { url } = await scratch();
    const endings = await Promise.all([1, 2, 3].map(() => billing(['migrate'], { DATABASE_URL_BILLING: url })));
    expect(endings.map(({ status, stderr }) => [status, stderr])).toEqual(endings.map(() => [0, '']));
    expect(endings.map(({ stdout }) => stdout.trimEnd().split('\n').at(-1)).toSorted()).toEqual([
      `Applied ${MIGRATIONS.map(({ name }) => name).join(', ')}.`,
      'The schema is up to date.',
      'The schema is up to date.',
    ]);
    const { database } = await open(url);
    expect(await readCatalog(database)).toEqual(catalog);
  });

  it('leave a database alone that somebody else lives in', async () => {
    const { migrator, database } = await open((await scratch()).url);
    await database.run('create table orders (id int)', []);
    expect(await migrator.inspect()).toEqual({ kind: 'foreign', tables: ['orders'] });
  });

  it('make exactly what the entities say: columns, types, nullability, keys and indexes', async () => {
    const { database } = await open((await scratch()).url);
    await database.orm.schema.create();
    const { billing_migrations: _, billing_migration_lock: __, ...tables } = catalog;
    const fromEntities = await readCatalog(database);
    // Foreign keys and checks, and what counts locks, are written in migrations only.
    expect(withoutForeignKeys(withoutLocks(tables))).toEqual(withoutForeignKeys(fromEntities));
  });
});

describe('the schema of an app', () => {
  const tenantTables = () => Object.entries(catalog).filter(([name]) => !(name in SHARED));

  it('begins with app_id in every table but those without apps', () => {
    expect(Object.keys(catalog).filter((name) => name in SHARED)).toEqual(Object.keys(SHARED));
    for (const [name, table] of tenantTables()) {
      expect([name, table.columns['app_id']]).toEqual([name, expect.objectContaining({ isNullable: false, type: 'varchar(64)' })]);
      expect([name, table.primaryKey]).toEqual([name, ['app_id', 'id']]);
    }
  });

  it('begins with app_id in every key and index, but for the exceptions that are needed', () => {
    const indexes = tenantTables().flatMap(([, table]) => Object.entries(table.indexes));
    expect(indexes.length).toBeGreaterThan(20);
    const across = indexes.filter(([, index]) => index.columns[0] !== 'app_id').map(([name]) => name);
    expect(across.toSorted()).toEqual(Object.keys(ACROSS_APPS));
  });

  it('carries app_id along in every reference, and every reference has an index', () => {
    const references = tenantTables().flatMap(([name, table]) => table.foreignKeys.map((key) => ({ name, table, key })));
    expect(references.length).toBeGreaterThan(8);
    for (const { name, table, key } of references) {
      expect([name, key.columns[0], key.references]).toEqual([name, 'app_id', ['app_id', 'id']]);
      const indexed = [table.primaryKey, ...Object.values(table.indexes).map((index) => index.columns)];
      const isIndexed = indexed.some((columns) => key.columns.every((column, at) => columns[at] === column));
      expect([name, key.columns, isIndexed]).toEqual([name, key.columns, true]);
    }
  });

  it('refers to a row for every id of another noun that it keeps', () => {
    const nouns = {
      customer_id: 'customers',
      payment_method_id: 'payment_methods',
      subscription_id: 'subscriptions',
      payment_id: 'payments',
    };
    for (const [name, table] of tenantTables()) {
      for (const [column, noun] of Object.entries(nouns).filter(([candidate]) => candidate in table.columns)) {
        expect([name, column, table.foreignKeys]).toEqual([
          name,
          column,
          expect.arrayContaining([{ columns: ['app_id', column], table: `billing_${noun}`, references: ['app_id', 'id'] }]),
        ]);
      }
    }
  });

  it('keeps money as whole numbers, and times to the millisecond', () => {
    const columns = tenantTables().flatMap(([, table]) => Object.entries(table.columns));
    expect(new Set(columns.filter(([name]) => name.endsWith('_minor')).map(([, column]) => column.type))).toEqual(new Set(['bigint']));
    const times = columns.filter(([name]) => /_(at|until|anchor|start|end)$/.test(name) && name !== 'cancel_at_period_end');
    expect(new Set(times.map(([, column]) => column.type))).toEqual(new Set(['datetime(3)']));
    expect(columns.filter(([, column]) => /float|double|decimal|real/.test(column.type))).toEqual([]);
  });
});

describe('the database itself refuses', () => {
  let world: World;
  let a: TestApp;
  let b: TestApp;
  let ofB: { customerId: string; cardId: string; paymentId: string };

  beforeAll(async () => {
    world = await World.create();
    [a, b] = [await world.app(), await world.app()];
    const { customer } = await world.payer(a);
    await world.card(a, customer.id);
    await world.subscription(a, customer.id);
    const payment = await world.payment(a, customer.id);
    await world.ask(a, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
    const payer = await world.payer(b);
    ofB = { customerId: payer.customer.id, cardId: payer.card.id, paymentId: (await world.payment(b, payer.customer.id)).id };
    await world.settle();
  });
  afterAll(() => world.close());

  it.each([
    ['more refunded than captured', 'billing_payments', 'refunded_minor = captured_minor + 1, refund_reserved_minor = captured_minor + 1'],
    ['more captured than asked for', 'billing_payments', 'captured_minor = amount_minor + 1'],
    ['a negative capture', 'billing_payments', 'captured_minor = -1, refunded_minor = -1'],
    ['a negative refund', 'billing_payments', 'refunded_minor = -1'],
    ['less reserved than refunded', 'billing_payments', 'refunded_minor = 1, refund_reserved_minor = 0'],
    ['a payment of nothing', 'billing_payments', 'amount_minor = 0, captured_minor = 0, refunded_minor = 0'],
    ['a refund of nothing', 'billing_refunds', 'amount_minor = 0'],
    ['a price of nothing', 'billing_subscriptions', 'price_minor = 0'],
    ['an interval of nothing', 'billing_subscriptions', 'interval_count = 0'],
    ['an event that was never delivered', 'billing_webhooks', 'deliveries = 0'],
    ['two defaults of one customer', 'billing_payment_methods', 'default_of = customer_id'],
    ['a default that is detached', 'billing_payment_methods', 'detached_at = created_at'],
    ['a default of another customer', 'billing_payment_methods', "default_of = 'cus_other'"],
    ['no app', 'billing_customers', 'app_id = null'],
    ['a row moved to another app', 'billing_customers', "app_id = 'app-2'"],
    ['two payments of one payment intent', 'billing_payments', "tilled_payment_intent_id = 'pi_1'", 2],
  ])('%s', async (_, table, change, atLeast = 1) => {
    const before = await world.rows(table, a);
    expect(before.length).toBeGreaterThanOrEqual(atLeast === 2 ? 1 : atLeast);
    if (atLeast === 2) await world.payment(a, String(before[0]?.['customer_id']));
    const rows = await world.rows(table, a);
    await expect(world.gateway.database.run(`update ${table} set ${change} where app_id = ?`, [a.id])).rejects.toThrow();
    expect(await world.rows(table, a)).toEqual(rows);
  });

  it.each([
    ['a payment method', 'billing_payment_methods', 'customer_id', () => ofB.customerId, 'default_of is null'],
    ['a subscription', 'billing_subscriptions', 'customer_id', () => ofB.customerId, '1 = 1'],
    ['a subscription paid with a method', 'billing_subscriptions', 'payment_method_id', () => ofB.cardId, '1 = 1'],
    ['a payment', 'billing_payments', 'customer_id', () => ofB.customerId, '1 = 1'],
    ['a payment with a method', 'billing_payments', 'payment_method_id', () => ofB.cardId, '1 = 1'],
    ['a refund of a payment', 'billing_refunds', 'payment_id', () => ofB.paymentId, '1 = 1'],
    ['a refund for a customer', 'billing_refunds', 'customer_id', () => ofB.customerId, '1 = 1'],
  ])("%s of another app's", async (_, table, column, idOfB: () => string, which) => {
    const rows = await world.rows(table, a);
    expect(rows).not.toEqual([]);
    const sql = `update ${table} set ${column} = ? where app_id = ? and ${which}`;
    await expect(world.gateway.database.run(sql, [idOfB(), a.id])).rejects.toThrow();
    expect(await world.rows(table, a)).toEqual(rows);
  });

  it('to forget a customer that financial records point to', async () => {
    await expect(world.gateway.database.run('delete from billing_customers where app_id = ?', [a.id])).rejects.toThrow();
  });

  it('two payments that may take the money of one reference in one app, and takes it in another', async () => {
    const refer = 'update billing_payments set reference_id = ?, reference_held = ? where app_id = ? and id = ?';
    const [first, second] = [await world.rows('billing_payments', a), await world.rows('billing_payments', a)].map((rows, index) =>
      String(rows[index]?.['id']),
    );
    await world.gateway.database.run(refer, ['order:1', 'order:1', a.id, first]);
    await expect(world.gateway.database.run(refer, ['order:1', 'order:1', a.id, second])).rejects.toThrow();
    await world.gateway.database.run(refer, ['order:1', 'order:1', b.id, ofB.paymentId]);
    // Byte by byte: another case is another reference.
    await world.gateway.database.run(refer, ['ORDER:1', 'ORDER:1', a.id, second]);
  });
});

if (globalThis.TEST_DATABASE === 'mysql') {
  describe(GOLDEN, () => {
    it('is what the migrations make (UPDATE_GOLDEN=1 writes it anew)', async () => {
      const dump = await dumpSchema(migrated.database);
      if (process.env['UPDATE_GOLDEN']) await writeFile(GOLDEN, dump);
      expect(await readFile(GOLDEN, 'utf8')).toBe(dump);
    });

    it('compares text byte by byte in every column', async () => {
      const sql =
        "select table_name, column_name from information_schema.columns where table_schema = database() and collation_name <> 'utf8mb4_bin' and table_name <> 'billing_migrations'";
      expect(await migrated.database.query(sql, [])).toEqual([]);
    });
  });
}

async function scratch(): Promise<ScratchDatabase> {
  const made = await createScratchDatabase();
  scratches.push(made);
  return made;
}

async function open(url: string): Promise<Foundation> {
  const { database } = readConfig({ DATABASE_URL_BILLING: url }, process.cwd());
  const foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
  foundations.push(foundation);
  return foundation;
}

function withoutLocks(tables: Readonly<Record<string, CatalogTable>>): Record<string, CatalogTable> {
  return Object.fromEntries(
    Object.entries(tables).map(
      ([
        name,
        {
          columns: { [LOCK_COLUMN]: _, ...columns },
          ...table
        },
      ]) => [name, { ...table, columns }],
    ),
  );
}

function withoutForeignKeys(tables: Readonly<Record<string, CatalogTable>>) {
  return Object.fromEntries(Object.entries(tables).map(([name, { foreignKeys: _, ...table }]) => [name, table]));
}
