import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { atTilled } from '../support/at-tilled.js';
import { KillableDatabase } from '../support/killable-database.js';
import * as ops from '../support/operations.generated.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { AWAY, SeverableDatabase } from '../support/severable.js';
import { type TestApp, World } from '../support/world.js';

/** More than the connections of a process. */
const MANY = 12;
/** ER_UNKNOWN_SYSTEM_VARIABLE, which MySQL answers. */
const UNKNOWN_VARIABLE = 1193;
/** Longer than the second for which the server lets a statement wait. */
const LOCKED_MS = 1_500;
/** The work of an app's refunds. */
const REFUND_WORK = "select state from billing_jobs where app_id = ? and kind = 'refundCreate'";
/** In /proc/net/tcp: an open connection, the timer of keep-alive, and how many ticks are ten seconds (proc_net_tcp of the kernel's documentation). */
const [ESTABLISHED, KEEP_ALIVE, TEN_SECONDS] = ['01', '02', 1_000];

if (globalThis.TEST_DATABASE === 'mysql') {
  let scratch: ScratchDatabase;
  let database: SeverableDatabase;
  let world: World;
  let app: TestApp;

  beforeAll(async () => {
    scratch = await createScratchDatabase();
    database = await SeverableDatabase.before(scratch);
    world = await World.create({ scratch: database });
    app = await world.app();
  });
  afterAll(() => world.close());

  describe('a connection to the server', () => {
    it('is given up when its ROLLBACK fails: callers hear what went wrong before, others get connections, and nothing stays locked', async () => {
      const input = { email: 'ann@example.com', externalId: 'taken' };
      await world.ask(app, ops.CustomerCreateDocument, { input });
      database.refuses = 'rollback';
      for (let tried = 0; tried < MANY; tried += 1) {
        const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input });
        expect(customerCreate.userErrors).toMatchObject([{ code: 'DUPLICATE_EXTERNAL_ID' }]);
      }
      database.refuses = null;
      expect(database.refused).toBeGreaterThanOrEqual(MANY);
      expect(await openTransactions()).toBe(0);
      const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input: { ...input, externalId: 'free' } });
      expect(customerCreate.userErrors).toEqual([]);
    });

    it('is given up when its BEGIN fails: the caller hears that it passes, and the next ones get connections', async () => {
      const query = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }';
      const create = () => world.post({ query, variables: { input: { email: 'ann@example.com' } } }, { credential: app.key });
      database.refuses = 'begin';
      database.refused = 0;
      for (let tried = 0; tried < MANY; tried += 1)
        expect(await create()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
      database.refuses = null;
      expect(database.refused).toBeGreaterThanOrEqual(MANY);
      expect(await create()).toMatchObject({ data: { customerCreate: { customer: { id: expect.any(String) } } } });
    });

    it('that does not take the session settings is not used: the caller hears that it was us, and the next ones get others', async () => {
      database.refuses = 'session';
      database.refused = 0;
      const { gateway, close } = await world.anotherGateway();
      for (let tried = 0; tried < MANY; tried += 1)
        await expect(gateway.database.query('select 1 as one', [])).rejects.toThrow('the server is away');
      expect(database.refused).toBe(MANY);
      await expect(gateway.database.transaction(async () => 1)).rejects.toThrow('the server is away');
      await expect(gateway.database.statements(async () => 1)).rejects.toThrow('the server is away');
      expect(gateway.database.poolUse).toMatchObject({ open: 0, waiting: 0 });
      database.refuses = null;
      expect(await gateway.database.query('select 1 as one', [])).toEqual([{ one: 1 }]);
      await close();
    });

    it('to a server that knows no settings of clusters is used, and to one that only fails to take them is not', async () => {
      const { gateway, close } = await world.anotherGateway();
      database.refuses = 'cluster';
      await expect(gateway.database.query('select 1 as one', [])).rejects.toThrow('the server is away');
      database.refusesWith = UNKNOWN_VARIABLE;
      database.refused = 0;
      expect(await gateway.database.query('select 1 as one', [])).toEqual([{ one: 1 }]);
      expect(database.refused).toBe(1);
      [database.refuses, database.refusesWith] = [null, AWAY];
      await close();
    });

    // Only Linux tells the timers of connections.
    if (process.platform === 'linux')
      it('that is silent is asked within ten seconds whether the server is still there', async () => {
        await world.ask(app, ops.AppDocument, {});
        const port = Number(new URL(database.url).port).toString(16).toUpperCase().padStart(4, '0');
        const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
        const ours = lines.filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === ESTABLISHED);
        const timers = ours.map((fields) => (fields[5] ?? '').split(':'));
        expect(timers.length).toBeGreaterThan(0);
        for (const [timer, ticks = ''] of timers) {
          expect(timer).toBe(KEEP_ALIVE);
          expect(Number.parseInt(ticks, 16)).toBeLessThanOrEqual(TEN_SECONDS);
        }
      });
  });

  describe('a failover', () => {
    it('is not noticed where new connections lead to the new primary: those to the old one are dropped, whatever they say', async () => {
      for (const errno of [1290, 1836, 1792, 1047, 1053, 1927, 1105, 9001]) {
        await Promise.all(Array.from({ length: MANY }, () => world.ask(app, ops.AppDocument, {})));
        database.refused = 0;
        database.demote(errno);
        for (let tried = 0; tried < MANY; tried += 1) {
          const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } });
          expect(customerCreate.userErrors).toEqual([]);
        }
        expect([errno, database.refused]).toEqual([errno, expect.any(Number)]);
        expect(database.refused).toBeGreaterThan(0);
      }
    });

    it('takes no money twice and loses none, whichever COMMIT of a payment was not answered: repeating with the same key finds out', async () => {
      const { customer } = await world.payer(app);
      const amount = { amountMinor: 1_234, currency: 'usd' };
      for (let nth = 1; nth <= 3; nth += 1) {
        const input = { customerId: customer.id, amount, referenceId: `order-${nth}`, idempotencyKey: `lost-commit-${nth}` };
        database.losesCommit = nth;
        const first = await world.send(app, ops.PaymentCreateDocument, { input });
        expect(database.losesCommit).toBe(0);
        expect([first.status, first.headers.get('retry-after')]).toEqual([503, '2']);
        expect(first.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryable: true, retryAfterMs: 2_000 } }]);
        const payment = await untilDone(input);
        expect(payment).toMatchObject({ status: 'SUCCEEDED', referenceId: `order-${nth}` });
      }
      const taken = await atTilled(world, app, 'payment_intents');
      expect(taken.filter(({ status }) => status === 'succeeded')).toHaveLength(3);
      expect(taken).toHaveLength(3);
    });

    it('holds up nobody where the COMMIT was not answered with which a repeat took the work up again', async () => {
      const { customer } = await world.payer(app);
      const input = { customerId: customer.id, amount: { amountMinor: 4_321, currency: 'usd' }, idempotencyKey: 'taken up again' };
      // The first COMMIT of a payment, then the second of its repeat: it finds the key, and takes the work.
      for (const nth of [1, 2]) {
        database.losesCommit = nth;
        expect((await world.send(app, ops.PaymentCreateDocument, { input })).status).toBe(503);
        expect(database.losesCommit).toBe(0);
        await sleep(1_000);
      }
      expect(await untilDone(input)).toMatchObject({ status: 'SUCCEEDED' });
      const taken = await atTilled(world, app, 'payment_intents');
      expect(taken.filter(({ amount }) => amount === 4_321)).toHaveLength(1);
    });

    it('leaves no queued work held where a COMMIT was not answered with which a worker took it', async () => {
      const { customer } = await world.payer(app);
      await world.settle();
      for (let nth = 1; nth <= 3; nth += 1) {
        await world.subscription(app, customer.id);
        await world.sandbox.drain();
        database.losesCommit = nth;
        await world.gateway.worker.drain().catch(() => undefined);
        expect(database.losesCommit).toBe(0);
        await sleep(1_000);
        const jobs = await world.rows('billing_jobs', app);
        expect([nth, jobs.filter(({ state }) => state === 'running')]).toEqual([nth, []]);
        await world.advance({ ms: 10_000 });
      }
    });

    it('gives nobody their money back twice where a COMMIT was lost with which work was taken, and others have taken it since', async () => {
      const { customer } = await world.payer(app);
      const payment = await world.payment(app, customer.id, { amount: { amountMinor: 7_654, currency: 'usd' } });
      await world.control('batch', {});
      await world.settle();
      const input = { paymentId: payment.id, amount: { amountMinor: 1_000, currency: 'usd' } };
      database.losesCommit = 1;
      expect((await world.send(app, ops.RefundCreateDocument, { input })).status).toBe(503);
      const stateOfWork = async () => (await other.gateway.database.query(REFUND_WORK, [app.id]))[0]?.['state'];
      const other = await world.anotherGateway({ url: scratch.url });
      await world.until(async () => (await stateOfWork()) === 'due');
      database.diesAtCommit = true;
      await expect(world.gateway.worker.drain()).rejects.toThrow();
      expect(database.diesAtCommit).toBe(false);
      await world.control('faults', { operation: 'POST /v1/refunds', delayMs: 3_000 });
      const working = other.gateway.worker.drain();
      await world.until(async () => (await stateOfWork()) === 'running');
      await database.mend();
      // The first process is told that it holds nothing, and would take what is due.
      await sleep(1_500);
      await world.gateway.worker.drain();
      await working;
      expect(await stateOfWork()).toBeUndefined();
      const refunds = await atTilled(world, app, 'refunds');
      expect(refunds.map(({ amount }) => amount)).toEqual([1_000]);
      await other.close();
    });

    it('ends in a code that says repeat while no server is there, for queries and mutations, and in readyz', async () => {
      const unseenKey = world.key(app, 'service');
      await unseenKey;
      database.sever();
      const input = { email: 'ann@example.com', externalId: 'while-away' };
      const [mutation, query] = await Promise.all([
        world.send(app, ops.CustomerCreateDocument, { input }),
        world.post({ query: '{ customers(first: 1) { nodes { id } } }' }, { credential: app.key }),
      ]);
      for (const answer of [mutation, query]) {
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
        expect(answer.errors).toMatchObject([
          { message: expect.stringContaining('same idempotency key'), extensions: { code: 'UNAVAILABLE' } },
        ]);
      }
      const unknown = await world.post({ query: '{ app { id } }' }, { credential: await unseenKey });
      expect([unknown.status, unknown.errors]).toMatchObject([503, [{ extensions: { code: 'UNAVAILABLE' } }]]);
      const ready = await fetch(`${world.url}/readyz`);
      expect([ready.status, await ready.json()]).toMatchObject([503, { errors: [{ message: expect.stringContaining('ECONNREFUSED') }] }]);
      await database.mend();
      // What was found is remembered for a second.
      await world.until(async () => (await fetch(`${world.url}/readyz`)).status === 200);
      const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input });
      expect(customerCreate.userErrors).toEqual([]);
    });
  });

  /** What repeating gives, as callers do it: until it is neither unavailable nor in progress. */
  async function untilDone(input: ops.PaymentCreateInput) {
    let last: unknown;
    for (let tries = 0; tries < 100; tries += 1) {
      const { data, errors } = await world.send(app, ops.PaymentCreateDocument, { input });
      last = { data, errors };
      const { payment, userErrors } = data?.paymentCreate ?? { payment: null, userErrors: [] };
      if (payment != null && userErrors.length === 0) return payment;
      await sleep(100);
    }
    throw new Error(`The payment did not end within 10 s: ${JSON.stringify(last)}`);
  }

  describe('a transaction', () => {
    let server: KillableDatabase | null = null;
    let other: mysql.Connection;
    let patient: World;

    beforeAll(async () => {
      server = await KillableDatabase.create();
      if (server === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
      other = await mysql.createConnection(server.url);
      await other.query('set global innodb_lock_wait_timeout = 1');
      patient = await World.create({ scratch: { url: server.url, drop: async () => undefined } });
    });
    afterAll(async () => {
      try {
        await other.end();
        await patient.close();
      } finally {
        await server?.close();
      }
    });

    it('that waited too long for a lock is begun anew, and does its work once', async () => {
      const app = await patient.app();
      const { customerCreate } = await patient.ask(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } });
      const id = customerCreate.customer?.id ?? '';
      await other.query('begin');
      await other.query('select id from billing_customers where app_id = ? and id = ? for update', [app.id, id]);
      const statements = await patient.statements(async () => {
        const updating = patient.ask(app, ops.CustomerUpdateDocument, { input: { id, name: 'Ann Lee' } });
        await sleep(LOCKED_MS);
        await other.query('rollback');
        expect((await updating).customerUpdate).toMatchObject({ customer: { name: 'Ann Lee' }, userErrors: [] });
      });
      const locking = statements.filter((sql) => sql.includes('billing_customers') && sql.endsWith('for update'));
      expect(locking.length).toBeGreaterThan(1);
      const events = await patient.rows('billing_events', app);
      expect(events.filter(({ details }) => String(details).includes('"name"'))).toHaveLength(1);
    });
  });

  async function openTransactions(): Promise<number> {
    const connection = await mysql.createConnection(scratch.url);
    const [rows] = await connection.query<mysql.RowDataPacket[]>(
      'select count(*) as n from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id where p.db = database() and p.id <> connection_id()',
    );
    await connection.end();
    return Number(rows[0]?.['n']);
  }
} else {
  it('to the embedded database works again once there is room after it was full', async () => {
    const world = await World.create();
    const app = await world.app();
    const input = {
      email: 'ann@example.com',
      metadata: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, 'x'.repeat(400)])),
    };
    const [size] = await world.gateway.database.query('pragma page_count', []);
    await world.gateway.database.query(`pragma max_page_count = ${Number(size?.['page_count'])}`, []);
    const answers = [];
    for (let tried = 0; tried < 10; tried += 1) answers.push(await world.send(app, ops.CustomerCreateDocument, { input }));
    expect(answers.at(-1)).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    await world.gateway.database.query('pragma max_page_count = 1000000', []);
    const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input });
    expect(customerCreate.userErrors).toEqual([]);
    await world.close();
  });
}
