import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import type { Report } from '../../src/preflight/report.js';
import { applyGrants } from '../support/documented-users.js';
import { billing } from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';

const FOLDER = 'ops/grants';
const TILLED_OF_NOBODY = {
  TILLED_BASE_URL: 'http://127.0.0.1:9',
  TILLED_SECRET_KEY: 'sk_of_nobody',
  TILLED_PUBLIC_KEY: 'pk_of_nobody',
  TILLED_WEBHOOK_SECRET: 'whsec_of_nobody_0123456789',
  TILLED_ACCOUNT_ID: 'acct_of_nobody',
};
const VIEWS = ['apps', 'customers', 'subscriptions', 'payments', 'refunds', 'disputes', 'webhooks'].map(
  (noun) => `billing_analytics_${noun}`,
);

describe('ops/grants', () => {
  it('holds no password, and shows analytics nothing personal', async () => {
    for (const file of await readdir(FOLDER)) expect(await readFile(`${FOLDER}/${file}`, 'utf8')).not.toMatch(/IDENTIFIED BY '[^…]/);
    const views = await readFile(`${FOLDER}/views.sql`, 'utf8');
    const columns = [...views.replaceAll(/--.*/g, '').matchAll(/SELECT ([^;]*?)\s+FROM/g)].flatMap(([, list = '']) => list.split(/,\s*/));
    expect(columns.length).toBeGreaterThan(50);
    const personal =
      /email|^name|\bname$|metadata|external|reference|description|message|reason|last4|bank|brand|exp_|payload|secret|hash|tilled|\*/;
    // An app's name is a company's, not a person's.
    expect(columns.map((column) => column.trim()).filter((column) => personal.test(column))).toEqual(['name AS app_name']);
  });
});

if (globalThis.TEST_DATABASE === 'mysql') {
  describe('on a server', () => {
    const run = randomBytes(4).toString('hex');
    const userOf = (role: string) => `bg_test_${role}_${run}`;
    const ROLES = ['migrator', 'service', 'readonly', 'backup', 'replica'];
    const open: mysql.Connection[] = [];
    let scratch: ScratchDatabase;
    let administrator: mysql.Connection;
    let service: mysql.Connection;
    let readonly: mysql.Connection;
    let lookedAt: Awaited<ReturnType<typeof billing>>;
    let migrated: Awaited<ReturnType<typeof billing>>;

    beforeAll(async () => {
      scratch = await createScratchDatabase();
      administrator = await connect(scratch.url);
      for (const role of ROLES) await administrator.query(`create user ${userOf(role)} identified by 'hunter2'`);
      await apply('billing_migrator.sql', administrator);
      lookedAt = await billing(['preflight', '--phase', '1'], { ...TILLED_OF_NOBODY, DATABASE_URL_BILLING: urlAs('migrator') });
      migrated = await billing(['migrate'], { DATABASE_URL_BILLING: urlAs('migrator') });
      await apply('views.sql', await connect(urlAs('migrator')));
      await apply('billing_service.sql', administrator);
      await apply('billing_readonly.sql', administrator);
      await apply('billing_backup.sql', administrator);
      await apply('billing_replica.sql', administrator);
      [service, readonly] = [await connect(urlAs('service')), await connect(urlAs('readonly'))];
    });
    afterAll(async () => {
      for (const role of ROLES) await administrator.query(`drop user if exists ${userOf(role)}`);
      for (const connection of open) await connection.end();
      await scratch.drop();
    });

    it('billing_migrator migrates an empty database, also after preflight was asked what that user may do', () => {
      expect(lookedAt.stdout).toMatch(/database\.grants +FAILED +allowed though the service needs none of it: CREATE TABLE, DROP TABLE/);
      expect(migrated).toMatchObject({ status: 0, stderr: '' });
    });

    it('billing_service runs the command line: it makes apps and keys, and reads them', async () => {
      const environment = { DATABASE_URL_BILLING: urlAs('service'), BILLING_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
      const app = ['apps', 'create', 'shop', '--name', 'Shop', '--tilled-account', 'acct_shop'];
      expect(await billing(app, environment)).toMatchObject({ status: 0, stderr: '' });
      expect(await billing(['keys', 'create', '--app', 'shop'], environment)).toMatchObject({ status: 0, stderr: '' });
      expect((await billing(['keys', 'list'], environment)).stdout).toContain('shop');
    });

    it('billing_service does not migrate, and is told in a sentence who does', async () => {
      const { status, stderr } = await billing(['migrate', '--down'], { DATABASE_URL_BILLING: urlAs('service') });
      expect(status).toBe(78);
      expect(stderr).toMatch(
        /^The server at \S+ says: .* command denied .* Run billing migrate with the user of \S+billing_migrator.sql .*\n$/,
      );
      expect(await billing(['migrate'], { DATABASE_URL_BILLING: urlAs('migrator') })).toMatchObject({ status: 0, stderr: '' });
    });

    it.each([
      'create table billing_more (id int)',
      'alter table billing_apps add column more int',
      'drop table billing_customers',
      'truncate table billing_customers',
      'create index billing_more on billing_apps (name)',
      'create view billing_more as select 1 as one',
      "create user bg_test_more identified by 'x'",
      'grant select on billing_apps to billing_readonly',
      'select * from mysql.user',
    ])('billing_service is refused: %s', async (sql) => {
      await expect(service.query(sql)).rejects.toMatchObject({
        errno: expect.any(Number),
        sqlState: expect.stringMatching(/^(42000|HY000)$/),
      });
    });

    it('billing_backup reads everything and the logs, and changes nothing', async () => {
      const backup = await connect(urlAs('backup'));
      await expect(backup.query('select id from billing_customers')).resolves.toBeDefined();
      await expect(backup.query('show create view billing_analytics_apps')).resolves.toBeDefined();
      for (const sql of ['delete from billing_customers', 'create table billing_more (id int)', 'drop view billing_analytics_apps'])
        await expect(backup.query(sql)).rejects.toMatchObject({ errno: 1142 });
    });

    it('billing_replica reads every table, and writes none', async () => {
      const replica = await connect(urlAs('replica'));
      for (const table of ['billing_customers', 'billing_migrations', 'billing_heartbeats'])
        await expect(replica.query(`select * from ${table}`)).resolves.toBeDefined();
      for (const sql of ["insert into billing_heartbeats values ('', 'primary', 'x')", 'delete from billing_customers'])
        await expect(replica.query(sql)).rejects.toMatchObject({ errno: 1142 });
    });

    it('preflight finds the schema as the migrations made it, and nothing wrong with service and reports', async () => {
      const users = { DATABASE_URL_BILLING: urlAs('service'), DATABASE_URL_BILLING_READONLY: urlAs('readonly') };
      const key = { BILLING_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
      const { stdout } = await billing(['preflight', '--phase', '1', '--json'], { ...users, ...key, ...TILLED_OF_NOBODY });
      const { checks } = JSON.parse(stdout) as Report;
      const found = checks.filter(({ id }) => ['database.migrated', 'database.grants', 'database.readonly'].includes(id));
      expect(found.map(({ id, status, evidence }) => [id, status, evidence])).toEqual([
        ['database.migrated', 'ok', expect.any(String)],
        ['database.grants', 'ok', expect.any(String)],
        ['database.readonly', 'ok', expect.any(String)],
      ]);
    });

    it.each(VIEWS)('billing_readonly reads %s', async (view) => {
      await expect(readonly.query(`select * from ${view}`)).resolves.toBeDefined();
    });

    it('billing_readonly reads no table, so no e-mail address and no secret', async () => {
      const [rows] = (await administrator.query("show full tables where table_type = 'BASE TABLE'")) as [Record<string, string>[], unknown];
      const tables = rows.map((row) => Object.values(row)[0]);
      expect(tables.length).toBeGreaterThan(14);
      for (const table of tables) await expect(readonly.query(`select 1 from ${table}`)).rejects.toMatchObject({ errno: 1142 });
      for (const column of ['email', 'name'])
        await expect(readonly.query(`select ${column} from billing_analytics_customers`)).rejects.toThrow();
    });

    it.each([
      "insert into billing_analytics_customers (app_id, id, created_at) values ('shop', 'cus_x', now())",
      "update billing_analytics_payments set status = 'SUCCEEDED'",
      'delete from billing_analytics_refunds',
      'drop view billing_analytics_apps',
      'create table billing_more (id int)',
    ])('billing_readonly is refused: %s', async (sql) => {
      await expect(readonly.query(sql)).rejects.toMatchObject({ errno: 1142 });
    });

    /** The names of users are the server's and not the database's. */
    const apply = (file: string, connection: mysql.Connection) => applyGrants(file, connection, userOf);

    async function connect(url: string): Promise<mysql.Connection> {
      const connection = await mysql.createConnection(url);
      open.push(connection);
      return connection;
    }

    function urlAs(role: string): string {
      const url = new URL(scratch.url);
      [url.username, url.password] = [userOf(role), 'hunter2'];
      return url.toString();
    }
  });
}
