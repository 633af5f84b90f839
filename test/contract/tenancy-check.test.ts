import { afterAll, describe, expect, it } from '@jest/globals';
import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import type { Database } from '../../src/platform/db/database.js';
import { tenancyFaults } from '../../src/platform/db/tenancy.check.js';
import { createLog } from '../../src/platform/log.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import { billing, gatewayThatEnds } from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';

const TILLED = {
  TILLED_BASE_URL: 'http://127.0.0.1:1',
  TILLED_SECRET_KEY: 'sk_0123456789',
  TILLED_PUBLIC_KEY: 'pk_0123456789',
  TILLED_WEBHOOK_SECRET: 'whsec_0123456789',
  TILLED_ACCOUNT_ID: 'acct_0123456789',
};

/** A table of links that carry app_id, but not to an id: rows of two apps could still not be mixed up, but no rule of ours holds. */
const NOTES = `create table billing_notes (app_id varchar(64) not null, id varchar(64) not null, writer varchar(255) null,
  primary key (app_id, id), foreign key (app_id, writer) references billing_customers (app_id, external_id))`;

/** What somebody may do to a database by hand, and what is said of it. */
const BREAKS: readonly (readonly [string, string, (database: Database) => Promise<unknown>])[] = [
  [
    'a reference that is unique over all apps',
    'billing_payments has a unique key oops (reference_id) that does not begin with app_id',
    (database) => database.run('create unique index oops on billing_payments (reference_id)', []),
  ],
  [
    'no unique key for events',
    'billing_webhooks has no unique key (app_id, event_id)',
    (database) => database.run(`drop index billing_webhooks_event${database.isEmbedded ? '' : ' on billing_webhooks'}`, []),
  ],
  [
    'rows of no app',
    'billing_cursors.app_id may be null',
    (database) =>
      database.isEmbedded
        ? rebuild(database, 'billing_cursors', /app_id varchar\(64\) not null/i, 'app_id varchar(64) null')
        : database.run(
            'alter table billing_cursors drop primary key, modify app_id varchar(64) null, add unique key kept (app_id, id)',
            [],
          ),
  ],
  [
    'ids without an app',
    'billing_cursors has no key (app_id, id)',
    (database) =>
      database.isEmbedded
        ? rebuild(database, 'billing_cursors', /primary key \(app_id, id\)/i, 'primary key (id)')
        : database.run('alter table billing_cursors drop primary key, add primary key (id)', []),
  ],
  [
    'refunds that refer to no payment',
    'billing_refunds.payment_id is not bound to billing_payments by a foreign key (app_id, payment_id)',
    (database) =>
      database.isEmbedded
        ? rebuild(
            database,
            'billing_refunds',
            /,\s*(?:constraint \w+ )?foreign key \(app_id, payment_id\) references \w+ \(app_id, id\)/i,
            '',
          )
        : database.run('alter table billing_refunds drop foreign key billing_refunds_of_payment', []),
  ],
  [
    'a reference by something else than an id',
    'billing_notes refers by (app_id, writer) to billing_customers, not by app_id and id',
    (database) => database.run(NOTES, []),
  ],
  ['a table of nobody', 'billing_oops has no app_id', (database) => database.run('create table billing_oops (id int not null)', [])],
];

const scratches: ScratchDatabase[] = [];
afterAll(async () => {
  for (const made of scratches) await made.drop();
});

describe('a database that was changed by hand', () => {
  it.each(BREAKS)('with %s: the gateway does not start, and says why', async (_, fault, breakIt) => {
    const { database, url } = await migrated();
    await breakIt(database);
    await database.close();
    const environment = { DATABASE_URL_BILLING: url, HOST: '127.0.0.1', PORT: '0', ...TILLED };
    const { status, stdout, stderr } = await gatewayThatEnds(environment);
    expect(stderr).toContain(fault);
    expect([status, stdout, stderr]).toEqual([78, '', expect.stringMatching(/^The database "\S+" would not keep apps apart: .+\n$/)]);
  });

  it('is refused by the command line too, and as the migrations left it by neither', async () => {
    const { database, url } = await migrated();
    const environment = { DATABASE_URL_BILLING: url, ...TILLED };
    expect(await tenancyFaults(database)).toEqual([]);
    expect(await billing(['apps', 'list'], environment)).toMatchObject({ status: 0, stderr: '' });
    await database.run('create unique index oops on billing_customers (email)', []);
    await database.close();
    expect(await billing(['apps', 'list'], environment)).toMatchObject({ status: 78, stderr: expect.stringContaining('oops (email)') });
  });

  it('is asked three questions, however many tables it has', async () => {
    const { database } = await migrated();
    const asked: string[] = [];
    database.listen((sql) => asked.push(sql));
    await tenancyFaults(database);
    expect(asked).toHaveLength(3);
    await database.close();
  });
});

async function migrated(): Promise<Foundation & { readonly url: string }> {
  const made = await createScratchDatabase();
  scratches.push(made);
  const { database } = readConfig({ DATABASE_URL_BILLING: made.url }, process.cwd());
  const foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
  await foundation.migrator.migrate();
  return { ...foundation, url: made.url };
}

/** Makes a table of the embedded database anew from its own text with one thing in it changed; its other indexes come back. */
async function rebuild(database: Database, table: string, from: RegExp, to: string): Promise<void> {
  const made = await database.query("select type, sql from sqlite_master where tbl_name = ? and sql is not null order by type = 'index'", [
    table,
  ]);
  const [text = '', ...indexes] = made.map((row) => String(row['sql']));
  expect(text).toMatch(from);
  await database.run('pragma foreign_keys = off', []);
  for (const sql of [`drop table ${table}`, text.replace(from, to), ...indexes]) await database.run(sql, []);
}
