import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { serverFaults } from '../../src/platform/db/server.check.js';
import { RELIED_ON } from '../../src/platform/db/session.js';
import { KillableDatabase } from '../support/killable-database.js';
import * as ops from '../support/operations.generated.js';
import { billing, gatewayThatEnds } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

/** What a server may be told, and must not tell us. */
const HOSTILE = [
  ...['--autocommit=0', '--transaction-isolation=SERIALIZABLE', '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'],
  ...['--default-time-zone=+05:00', '--character-set-server=latin1', '--skip-character-set-client-handshake', '--completion-type=CHAIN'],
  ...['--lc-messages=de_DE', '--default-storage-engine=MyISAM', '--wait-timeout=3', '--loose-max-statement-time=5'],
];
const HOSTILE_STATEMENTS = [
  'set global sql_safe_updates = 1;',
  'set global sql_select_limit = 2;',
  'set global lock_wait_timeout = 31536000;',
  "set global init_connect = 'set autocommit = 0, sql_mode = 0, foreign_key_checks = 0, unique_checks = 0';",
];

if (globalThis.TEST_DATABASE === 'mysql') {
  let server: KillableDatabase;
  let world: World;
  let app: TestApp;

  /** What is committed, as somebody else sees it; and the session of somebody else, who says nothing. */
  const asOther = async (sql: string): Promise<mysql.RowDataPacket[]> => {
    const connection = await mysql.createConnection(server.url);
    try {
      return (await connection.query<mysql.RowDataPacket[]>(sql))[0];
    } finally {
      await connection.end();
    }
  };
  const count = async (table: string, condition = '1 = 1') =>
    Number((await asOther(`select count(*) as n from ${table} where ${condition}`))[0]?.['n']);
  const environment = () => ({ ...world.environment, DATABASE_URL_BILLING: server.plainUrl });

  beforeAll(async () => {
    const made = await KillableDatabase.create({ keepsLogs: true, settings: HOSTILE, statements: HOSTILE_STATEMENTS });
    if (made === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
    server = made;
    const migrated = await billing(['migrate'], { DATABASE_URL_BILLING: server.plainUrl });
    expect(migrated).toMatchObject({ status: 0, stdout: expect.stringMatching(/\nApplied .*\.\n$/) });
    world = await World.create({ scratch: { url: server.plainUrl, drop: async () => undefined } });
    app = await world.app();
  }, 120_000);
  afterAll(async () => {
    try {
      await world.close();
    } finally {
      await server.close();
    }
  });

  describe('on a server with autocommit off and other rules for SQL, times and texts', () => {
    it('every migration is on record, and a second billing migrate finds nothing to do', async () => {
      expect((await asOther('select @@autocommit as off'))[0]).toEqual({ off: 0 });
      const again = await billing(['migrate'], environment());
      expect(again).toMatchObject({ status: 0, stdout: 'The schema is up to date.\n' });
    });

    it('every webhook that was answered 200 is there for others to see', async () => {
      const name = '"Zoë" || \\ 😀';
      const { id } = await world.customer(app, { email: 'zoe@example.com', name });
      await world.settle();
      const stored = (await world.rows('billing_webhooks', app)).length;
      expect(stored).toBeGreaterThan(0);
      expect(await count('billing_webhooks')).toBe(stored);
      expect(await count('billing_customers', `id = '${id}' and hex(name) = '${Buffer.from(name).toString('hex')}'`)).toBe(1);
    });

    it('payments, refunds and subscriptions do what they do elsewhere, and the books hold', async () => {
      const { customer } = await world.payer(app);
      const payment = await world.payment(app, customer.id);
      const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
      expect(refundCreate.userErrors).toEqual([]);
      await world.subscription(app, customer.id);
      await world.advance({ days: 40 });
      expect(await count('billing_payments')).toBeGreaterThanOrEqual(3);
      expect(await count('billing_jobs', "state = 'dead'")).toBe(0);
      const { status, stdout } = await billing(['verify'], environment());
      expect([status, stdout]).toEqual([0, expect.stringMatching(/invariants hold/)]);
    });

    it('a list is not cut short, and each connection has every setting that the code relies on', async () => {
      await Promise.all(Array.from({ length: 5 }, () => world.customer(app)));
      const { customers } = await world.ask(app, ops.CustomersDocument, { first: 50 });
      expect(customers.nodes.length).toBeGreaterThanOrEqual(5);
      expect(await serverFaults(world.gateway.database)).toEqual({ refusals: [], warnings: [] });
      const read = () => world.gateway.database.query('show session variables', []);
      const inTransaction = world.gateway.database.statements((unit) => world.gateway.database.query('show session variables', [], unit));
      for (const rows of [await read(), await inTransaction]) {
        const found = Object.fromEntries(rows.map((row) => [row['Variable_name'], row['Value']]));
        expect(found).toMatchObject(RELIED_ON);
      }
    });
  });

  describe('billing preflight in production', () => {
    it('probes nothing where nobody said where the gateway is, though an old demo left its address', async () => {
      const directory = await mkdtemp(path.join(tmpdir(), 'bg_test_demo_'));
      let probes = 0;
      const foreign = createServer((socket) => {
        probes += 1;
        socket.destroy();
      }).listen(0, '127.0.0.1');
      await once(foreign, 'listening');
      const { port } = foreign.address() as AddressInfo;
      await writeFile(path.join(directory, 'demo.env'), `BILLING_URL=http://127.0.0.1:${port}\n`, { mode: 0o600 });
      const url = server.urlAt('127.0.0.1', { connection_limit: '5' });
      const { stdout } = await billing(['preflight', '--phase', '3', '--json'], {
        ...{ ...environment(), DATABASE_URL_BILLING: url, NODE_ENV: 'production', BILLING_DATA_DIR: directory },
      });
      const { checks } = JSON.parse(stdout) as { checks: { evidence: string }[] };
      expect(checks.map(({ evidence }) => evidence)).toContainEqual(expect.stringContaining('Nobody said where the gateway is'));
      expect(probes).toBe(0);
      foreign.close();
      await rm(directory, { recursive: true });
    });
  });

  describe('a server that cannot be relied on', () => {
    const told = async (statements: string) => {
      for (const sql of statements.split(';')) await asOther(sql);
      return Promise.all([billing(['migrate'], environment()), gatewayThatEnds({ ...environment(), BILLING_WORKER: 'off', PORT: '0' })]);
    };
    const gone = { status: 78 };

    it('is refused at the start and by billing migrate, with a sentence for each setting', async () => {
      const sentences = [
        /binlog_format is STATEMENT: .*Set binlog_format=ROW/,
        /max_allowed_packet is 1048576: .*Set max_allowed_packet=16777216/,
      ];
      for (const end of await told("set global binlog_format = 'STATEMENT'; set global max_allowed_packet = 1048576")) {
        expect(end).toMatchObject(gone);
        for (const sentence of sentences) expect(end.stderr).toMatch(sentence);
      }
      await asOther("set global binlog_format = 'ROW'");
      await asOther('set global max_allowed_packet = 16777216');
    });

    it('whose init_connect fails is named, not called unreachable', async () => {
      const [kept] = await asOther('select @@global.init_connect as kept');
      for (const end of await told("set global init_connect = 'nonsense'")) {
        expect(end).toMatchObject(gone);
        expect(end.stderr).toMatch(/^The server at 127\.0\.0\.1:\d+ gives our connections up: its init_connect fails\./);
      }
      await asOther(`set global init_connect = ${mysql.escape(kept?.['kept'])}`);
    });

    it('that may lose what it confirmed serves, and preflight says by which setting', async () => {
      await asOther('set global sync_binlog = 0');
      await asOther('set global innodb_flush_log_at_trx_commit = 2');
      const { stdout } = await billing(['preflight', '--phase', '1', '--json'], environment());
      const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; evidence: string }[] };
      expect(checks.find(({ id }) => id === 'database.settings')).toMatchObject({ status: 'ok' });
      expect(checks.find(({ id }) => id === 'database.durable')).toMatchObject({
        status: 'failed',
        evidence: expect.stringMatching(/innodb_flush_log_at_trx_commit is 2: .*sync_binlog is 0: /),
      });
      await asOther('set global sync_binlog = 1');
      await asOther('set global innodb_flush_log_at_trx_commit = 1');
    });
  });
} else {
  it('the embedded database needs no settings', async () => {
    const alone = await World.create();
    expect(await serverFaults(alone.gateway.database)).toEqual({ refusals: [], warnings: [] });
    await alone.close();
  });
}
