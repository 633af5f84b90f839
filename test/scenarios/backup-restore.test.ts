import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { Restic } from '../../src/backup/restic.js';
import { FULL, LOGS } from '../../src/backup/retention.js';
import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { atTilled, cut } from '../support/at-tilled.js';
import { makeCheap } from '../support/cheap-repository.js';
import { makeDocumentedUsers, type Role } from '../support/documented-users.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import { KillableDatabase } from '../support/killable-database.js';
import * as ops from '../support/operations.generated.js';
import { OwnClock } from '../support/own-clock.js';
import { billing, type Ending, type Environment } from '../support/processes.js';
import { createScratchDatabase } from '../support/scratch-database.js';
import { type AnyRow, tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

const COMMAND_MS_MAX = 120_000;
const PASSWORD = 'of-a-test-repository';
const STORY_MS_MAX = 400_000;

const isEmbedded = globalThis.TEST_DATABASE === 'embedded';

let server: KillableDatabase | null;
let directory: string;
let world: World;
let app: TestApp;
/** An app whose account at Tilled cannot be used. */
let unusable: TestApp;
let environment: Environment;
/** Every row by table, just before the database was destroyed. */
let lost: Readonly<Record<string, readonly AnyRow[]>>;
/** Payments that were made while the backup ran. */
let madeMeanwhile = 0;
let metricsAfterBackup = '';
/** A second between two customers who were made after the backup. */
let between = '';
/** A second behind five payments of these cents, before which a machine with a wrong clock kept the logs. */
let behindFive = '';
const FIVE = [5_001, 5_002, 5_003, 5_004, 5_005];
/** A second before somebody was erased. */
let beforeErasing = '';
const [GRACE, HOPE] = [
  { email: 'grace.hopper@example.com', name: 'Grace Hopper', externalId: 'crew-1906', metadata: { berth: 'Pier 7' } },
  { email: 'hope.grant@example.com', name: 'Hope Grant', externalId: 'crew-1907', metadata: { berth: 'Quay 9' } },
];
const SIGNS = { grace: ['grace.hopper', 'Hopper', 'crew-1906', 'Pier 7'], hope: ['hope.grant', 'Hope', 'crew-1907', 'Quay 9'] };
/** The address of the database as a user of ops/grants. */
let as: (role: Role) => string;
/** A machine whose clock is wrong takes the backups. */
let wrong: OwnClock;
const endings: Record<'refused' | 'backup' | 'logs' | 'drill', Ending> = Object.create(null);
const foundations: Foundation[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_backup_'));
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  server = isEmbedded ? null : await KillableDatabase.create({ keepsLogs: true });
  wrong = await OwnClock.ahead(2 * 3_600_000);
  if (server !== null) as = await makeDocumentedUsers(server.url, (url) => billing(['migrate'], { DATABASE_URL_BILLING: url }));
  const scratch = server === null ? await createScratchDatabase() : { url: as('service'), drop: () => Promise.resolve() };
  world = await World.create({ scratch, clock: 'running' });
  environment = {
    ...world.environment,
    RESTIC_REPOSITORY: path.join(directory, 'repository'),
    RESTIC_PASSWORD_FILE: path.join(directory, 'password'),
    RESTIC_CACHE_DIR: path.join(directory, 'cache'),
    BILLING_DATA_DIR: directory,
    ...(server !== null && { BILLING_BACKUP_DATABASE_URL: as('backup') }),
  };
  await liveAndDie();
}, STORY_MS_MAX);
afterAll(async () => {
  for (const { database } of foundations) await database.close();
  await world.end();
  await server?.close();
  await wrong.close();
  await rm(directory, { recursive: true, force: true });
});

describe('billing backup', () => {
  it('says how to begin while there is no repository', () => {
    expect([endings.refused.status, endings.refused.stderr]).toEqual([1, expect.stringContaining('billing backup --init')]);
  });

  it('takes one consistent snapshot while payments go on, with rows and checksums of every table', async () => {
    expect([endings.backup.status, endings.backup.stderr]).toEqual([0, '']);
    expect(madeMeanwhile).toBeGreaterThan(0);
    const { tables, schemaVersion } = JSON.parse(endings.backup.stdout);
    expect(Object.keys(tables)).toEqual(Object.keys(lost));
    expect(tables['billing_payments']).toEqual({ rows: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(schemaVersion).toBe(
      lost['billing_migrations']
        ?.map((row) => String(row['name']))
        .sort()
        .at(-1),
    );
  });

  it('leaves nothing of the data readable in the repository', async () => {
    const repository = environment['RESTIC_REPOSITORY'] ?? '';
    const entries = await readdir(repository, { recursive: true });
    expect(entries.length).toBeGreaterThan(5);
    for (const entry of entries) {
      const file = path.join(repository, entry);
      if ((await stat(file)).isFile()) expect((await readFile(file)).includes('ann@example.com')).toBe(false);
    }
  });

  it('is seen in the metrics, with the time of the last success, and no drill before there was one', () => {
    const [, value] = /^billing_backup_last_success_timestamp_seconds (\d+)$/m.exec(metricsAfterBackup) ?? [];
    expect(Math.abs(Number(value) - Date.now() / 1000)).toBeLessThan(isEmbedded ? 3_600 : 600);
    expect(metricsAfterBackup).not.toMatch(/^billing_drill_last_success_timestamp_seconds \d/m);
  });
});

describe('billing drill', () => {
  it('shows that the newest backup can be restored, with the RPO and RTO it measured, and removes what it made', async () => {
    expect([endings.drill.status, endings.drill.stderr]).toEqual([0, '']);
    expect(JSON.parse(endings.drill.stdout)).toMatchObject({ left: 0, invariants: expect.any(Number) });
    const { rpoMs, rtoMs } = JSON.parse(endings.drill.stdout);
    // The backup is seconds old, though the machine that took it thinks that it is of the future.
    expect(rpoMs).toBeGreaterThan(isEmbedded ? -1 : 500);
    expect(rtoMs).toBeGreaterThan(0);
    process.stdout.write(`${JSON.stringify({ rpoMs, rtoMs })}\n`);
    if (server !== null) expect((await databaseNames()).filter((name) => name.includes('drill'))).toEqual([]);
  });

  it('names the app whose account at Tilled cannot be used, and goes on with the others', () => {
    expect(JSON.parse(endings.drill.stdout).notAsked).toEqual([{ appId: unusable.id, reason: expect.stringContaining('unauthorized') }]);
  });

  it('is remembered, with what it measured', () => {
    const { rtoMs, snapshotId } = JSON.parse(endings.drill.stdout);
    expect(
      lost['billing_backups']?.filter((row) => row['kind'] === 'drill').map((row) => ({ ...row, rto_ms: Number(row['rto_ms']) })),
    ).toEqual([expect.objectContaining({ snapshot_id: snapshotId, rto_ms: rtoMs, reason: null })]);
  });
});

describe('billing restore', () => {
  it('brings back every row that was there when the database was destroyed', async () => {
    const ending = await restore('exact', '--no-replay');
    expect([ending.status, ending.stderr]).toEqual([0, '']);
    const rows = await allRows('exact');
    for (const [table, expected] of Object.entries(lost)) {
      // What was written about the last copy came after it.
      if (table !== 'billing_backups') expect([table, rows[table]]).toEqual([table, expected]);
    }
  });

  it('replays what Tilled emitted since, after which the books are Tilled’s and all invariants hold', async () => {
    const written = await writesAtTilled();
    const ending = await restore('replayed', '--json');
    expect([ending.status, ending.stderr]).toEqual([0, '']);
    const { caughtUp } = JSON.parse(ending.stdout);
    expect(caughtUp).toMatchObject({ left: 0, violations: [], notAsked: [{ appId: unusable.id }] });
    expect(caughtUp.events).toBeGreaterThan(2);
    const rows = await allRows('replayed');
    await expectSameAsTilled(rows);
    // The payment nobody answered has its job still, and nothing was sent for it.
    const [unanswered] = rows['billing_payments']?.filter((row) => Number(row['amount_minor']) === 6_600) ?? [];
    expect(unanswered).toMatchObject({ status: 'UNKNOWN', tilled_payment_intent_id: null });
    expect(rows['billing_jobs']?.map((row) => row['subject'])).toContain(unanswered?.['id']);
    expect(await writesAtTilled()).toBe(written);
  });

  it('refuses a database that is not empty, and replaces it only with --force', async () => {
    const before = await allRows('replayed');
    const refused = await restore('replayed', '--no-replay');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('not empty')]);
    expect(await allRows('replayed')).toEqual(before);
    expect((await restore('replayed', '--no-replay', '--force')).status).toBe(0);
    expect((await allRows('replayed'))['billing_payments']).toEqual(lost['billing_payments']);
  }, 250_000);

  it.each([
    ['after what Tilled told of them since', []],
    ['without asking Tilled', ['--no-replay']],
  ] as const)(
    'erases again who was erased later than what is restored, %s, and keeps their payments',
    async (how, options) => {
      const restic = new Restic({ PATH: process.env['PATH'] ?? '', ...environment });
      const [first] = await restic.snapshots(FULL);
      const before = isEmbedded ? ['--snapshot', first?.id ?? ''] : ['--at', beforeErasing];
      const name = `forgotten_${how.split(' ')[0]}`;
      const ending = await restore(name, '--json', ...before, ...options);
      expect([ending.status, ending.stderr]).toEqual([0, '']);
      expect(JSON.parse(ending.stdout).caughtUp).toMatchObject({ erasedAgain: 1, violations: [] });
      expect(await tracesIn(name, 'grace')).toEqual([]);
      expect(await tracesIn(name, 'hope')).toContain('billing_customers: hope.grant');
      const rows = await allRows(name);
      const [grace] = (rows['billing_customers'] ?? []).filter((row) => row['email'] === 'deleted@deleted.invalid');
      expect(rows['billing_payments']).toContainEqual(expect.objectContaining({ customer_id: grace?.['id'], status: 'SUCCEEDED' }));
      expect(rows['billing_payment_methods']?.filter((row) => row['customer_id'] === grace?.['id'] && row['detached_at'] === null)).toEqual(
        [],
      );
    },
    250_000,
  );

  if (!isEmbedded) {
    it('goes back to a second: what was made before it is there, and what was made after it is not', async () => {
      const ending = await restore('second', '--no-replay', '--at', between);
      expect([ending.status, ending.stderr]).toEqual([0, '']);
      const emails = (await allRows('second'))['billing_customers']?.map((row) => row['email']);
      expect(emails).toContain('first@example.com');
      expect(emails).not.toContain('second@example.com');
    });

    it('brings back five payments that were made after a machine 25 s ahead had kept the logs, and says up to which place', async () => {
      const args = ['restore', '--to', urlOf('five'), '--no-replay', '--json', '--at', behindFive];
      const ending = await billing(args, { ...environment, ...wrong.environment }, COMMAND_MS_MAX);
      expect([ending.status, ending.stderr]).toEqual([0, '']);
      expect(JSON.parse(ending.stdout).notes).toEqual([expect.stringMatching(/clock of this machine is 2\d s ahead of/)]);
      const cents = (await allRows('five'))['billing_payments']?.map((row) => Number(row['amount_minor'])) ?? [];
      expect(FIVE.filter((each) => cents.includes(each))).toEqual(FIVE);
      const { reachedAt, position } = JSON.parse(ending.stdout);
      expect([reachedAt, position.file]).toEqual([new Date(behindFive).toISOString(), expect.stringMatching(/^binlog\.\d{6}$/)]);
    });

    it('has the views for analytics, in the name of who restored them', async () => {
      const [view] = await onServer(
        "select definer from information_schema.views where table_schema = 'exact' and table_name = 'billing_analytics_payments'",
      );
      expect(Object.values(view ?? {})).toEqual([expect.stringMatching(/^root@/)]);
      expect((await onServer('select count(*) as n from exact.billing_analytics_payments')).length).toBe(1);
    });

    it('refuses a log that is cut off or missing, by its name', async () => {
      const restic = new Restic({ PATH: process.env['PATH'] ?? '', ...environment });
      const newest = (await restic.snapshots(LOGS)).at(-1);
      if (newest === undefined) throw new Error('No logs were kept.');
      const harmed = path.join(directory, 'harmed');
      await restic.restore(newest.id, harmed);
      const [name = ''] = (await readdir(path.join(harmed, 'binlog'))).toSorted().slice(-1);
      const log = path.join(harmed, 'binlog', name);
      // It says that it reaches further than any other.
      const tags = newest.tags.map((tag) => (tag.startsWith('to-') ? `${tag}0` : tag)).filter((tag) => tag !== 'billing');
      for (const [harm, words] of [
        [() => truncate(log, 500), `${name} of snapshot .* has 500 bytes`],
        [() => rm(log), `${name} of snapshot .* is missing`],
      ] as const) {
        await harm();
        const { snapshot } = await restic.keep(harmed, tags, new Date());
        const ending = await restore('not_to_be', '--no-replay');
        expect([ending.status, ending.stderr]).toEqual([1, expect.stringMatching(words)]);
        await restic.forget([snapshot.id]);
      }
      expect(await databaseNames()).not.toContain('not_to_be');
    }, 250_000);

    it('refuses a moment before the first backup, and one that the logs do not reach', async () => {
      const early = await restore('not_to_be', '--no-replay', '--at', '2020-01-01T00:00:00Z');
      expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('no verified backup from before')]);
      const late = await restore('not_to_be', '--no-replay', '--at', new Date(Date.now() - 1_000).toISOString());
      expect([late.status, late.stderr]).toEqual([1, expect.stringMatching(/reach to \S+Z \(binlog\.\d+ \d+\) only/)]);
      const toCome = await restore('not_to_be', '--no-replay', '--at', new Date(Date.now() + 3_600_000).toISOString());
      expect([toCome.status, toCome.stderr]).toEqual([1, expect.stringContaining('has not come')]);
      expect(await databaseNames()).not.toContain('not_to_be');
    });

    it('does not replay the statement that dropped the database, and says up to when the logs are good', async () => {
      const copied = await billing(['backup', '--logs'], { ...environment, BILLING_BACKUP_DATABASE_URL: urlOf('exact') }, COMMAND_MS_MAX);
      expect([copied.status, copied.stderr.includes('recorded')]).toEqual([0, true]);
      const refused = await restore('never', '--no-replay');
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('drop database billing_db')]);
      const [, until = ''] = / at (\S+Z): nothing/.exec(refused.stderr) ?? [];
      const ending = await restore('until', '--no-replay', '--at', until);
      expect([ending.status, ending.stderr]).toEqual([0, '']);
      expect((await allRows('until'))['billing_customers']).toEqual(lost['billing_customers']);
      expect(await databaseNames()).toContain('exact');
    }, 250_000);

    it('leaves a database alone that somebody else lives in, even with --force', async () => {
      await onServer('create database theirs');
      await onServer('create table theirs.orders (id int)');
      const ending = await restore('theirs', '--no-replay', '--force');
      expect([ending.status, ending.stderr]).toEqual([1, expect.stringContaining("not billing's (orders)")]);
    });
  }

  it('erases again who was erased after the last backup, where the erasure was remembered beside the backups', async () => {
    const survivor = { ...environment, DATABASE_URL_BILLING: urlOf('replayed') };
    const erased = await billing(
      ['customers', 'erase', '--app', app.id, '--customer', HOPE.externalId, '--json'],
      survivor,
      COMMAND_MS_MAX,
    );
    expect([erased.status, erased.stderr, JSON.parse(erased.stdout)]).toEqual([0, '', expect.objectContaining({ isKept: true })]);
    // Later than that, on a server, the logs hold that its database was dropped; before it the other erasure is to be done again, too.
    const ending = await restore('hopeless', '--no-replay', ...(isEmbedded ? [] : ['--at', between]));
    expect([ending.status, ending.stderr, ending.stdout]).toEqual([
      0,
      '',
      expect.stringContaining(`Erased ${isEmbedded ? 1 : 2} customers again`),
    ]);
    expect(await tracesIn('hopeless', 'hope')).toEqual([]);
  }, 250_000);
});

if (!isEmbedded) {
  describe('a server whose logs begin anew', () => {
    it('is refused by the copy of the logs, says what helps, and is not mixed up with what was before', async () => {
      const survivor = { ...environment, DATABASE_URL_BILLING: urlOf('replayed'), BILLING_BACKUP_DATABASE_URL: urlOf('replayed') };
      const restic = new Restic({ PATH: process.env['PATH'] ?? '', ...environment });
      const before = (await restic.snapshots(FULL)).at(-1);
      await onServer('reset master');
      const refused = await billing(['backup', '--logs'], survivor, COMMAND_MS_MAX);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/do not continue backup .* Take a full backup/s)]);
      const full = await billing(['backup'], survivor, COMMAND_MS_MAX);
      expect([full.status, full.stderr]).toEqual([0, '']);
      expect((await billing(['backup', '--logs'], survivor, COMMAND_MS_MAX)).status).toBe(0);
      const mixed = await restore('mixed', '--no-replay', '--snapshot', before?.id ?? '');
      expect([mixed.status, mixed.stderr]).toEqual([1, expect.stringContaining('is of other binary logs than backup')]);
      expect(await databaseNames()).not.toContain('mixed');
      expect((await restore('anew', '--no-replay')).status).toBe(0);
      // What the logs of before reach is not lost by a backup of others.
      const past = await restore('past', '--no-replay', '--at', between);
      expect([past.status, past.stderr]).toEqual([0, '']);
      expect((await allRows('past'))['billing_customers']?.map((row) => row['email'])).toContain('first@example.com');
    }, 250_000);
  });
}

describe('a repository that lost data', () => {
  it('is found out by the drill, which says so and is remembered as failed', async () => {
    await damage(environment['RESTIC_REPOSITORY'] ?? '');
    const survivor = { ...environment, DATABASE_URL_BILLING: urlOf('replayed') };
    const ending = await billing(['drill'], survivor, COMMAND_MS_MAX);
    expect([ending.status, ending.stderr]).toEqual([1, expect.stringContaining('restic ended with')]);
    const { backups } = await open('replayed');
    const { last, lastGood } = await backups.latest('drill');
    expect(last).toMatchObject({ succeeded: false, reason: expect.stringContaining('restic') });
    expect(lastGood).toMatchObject({ succeeded: true });
  });
});

/** Traffic before, during and after a backup; news at Tilled that never arrive; then the database is gone. */
async function liveAndDie(): Promise<void> {
  endings.refused = await billing(['backup'], environment, COMMAND_MS_MAX);
  app = await world.app();
  unusable = await world.app();
  await world.gateway.access.apps.setTilledSecretKey(unusable.id, 'sk_of_nobody');
  const { customer } = await world.payer(app);
  const [one, two, three] = [
    await world.payment(app, customer.id),
    await world.payment(app, customer.id),
    await world.payment(app, customer.id),
  ];
  await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: one.id } });
  await world.subscription(app, customer.id);
  for (const person of [GRACE, HOPE]) {
    const { id } = await world.customer(app, person);
    await world.card(app, id);
    await world.payment(app, id, { description: person.name, referenceId: `order of ${person.email}`, metadata: person.metadata });
  }
  await world.settle();

  const isWrong = server === null ? {} : wrong.environment;
  const backup = billing(['backup', '--init', '--json'], { ...environment, ...isWrong }, COMMAND_MS_MAX);
  let isRunning = true;
  const paying = (async () => {
    for (; isRunning; madeMeanwhile += 1) await world.payment(app, customer.id);
  })();
  endings.backup = await backup;
  isRunning = false;
  await paying;
  await makeCheap(environment['RESTIC_REPOSITORY'] ?? '', PASSWORD);
  await world.settle();
  metricsAfterBackup = await (await fetch(`${world.url}/metrics`)).text();
  endings.drill = await billing(['drill', '--json'], environment, COMMAND_MS_MAX);
  await liveOn(customer.id);

  // From here on no delivery arrives.
  await world.server.close();
  const intents = await atTilled(world, app, 'payment_intents');
  const intentOf = (id: string) => intents.find((intent) => JSON.stringify(intent['metadata']).includes(id))?.['id'];
  await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: intentOf(two.id) });
  await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: intentOf(three.id) });
  const [atTilledToo] = await atTilled(world, app, 'subscriptions');
  await world.tilled(app, 'POST', `/v1/subscriptions/${String(atTilledToo?.['id'])}/cancel`);

  lost = await rowsOf(world.gateway);
  // What is to be learnt from Tilled is not known here.
  expect(lost['billing_subscriptions']?.map((row) => row['status'])).toEqual(['ACTIVE']);
  await destroy();
}

/** What the binary logs bring back; without them a backup is the end of it. */
async function liveOn(customerId: string): Promise<void> {
  if (server === null) {
    await eraseGrace();
    await leaveUnanswered(customerId);
    // The embedded database loses what was made here after the backup: nothing is.
    endings.backup = await billing(['backup', '--json'], environment, COMMAND_MS_MAX);
    return;
  }
  await wrong.set(25_000);
  const early = await billing(['backup', '--logs', '--json'], { ...environment, ...wrong.environment }, COMMAND_MS_MAX);
  expect([early.status, early.stderr]).toEqual([0, '']);
  for (const amountMinor of FIVE) await world.payment(app, customerId, { amount: { amountMinor, currency: 'usd' } });
  behindFive = await nextSecond();
  await world.customer(app, { email: 'first@example.com' });
  between = await nextSecond();
  await world.customer(app, { email: 'second@example.com' });
  beforeErasing = await nextSecond();
  await eraseGrace();
  await world.settle();
  await leaveUnanswered(customerId);
  endings.logs = await billing(['backup', '--logs', '--json'], environment, COMMAND_MS_MAX);
  expect([endings.logs.status, endings.logs.stderr]).toEqual([0, '']);
}

/** On a machine that knows no repository. */
async function eraseGrace(): Promise<void> {
  const { RESTIC_REPOSITORY: _, ...noRepository } = environment;
  const ending = await billing(['customers', 'erase', '--app', app.id, '--customer', GRACE.externalId], noRepository, COMMAND_MS_MAX);
  expect([ending.status, ending.stderr, ending.stdout]).toEqual([
    0,
    '',
    expect.stringContaining('from the next `billing backup --logs` on'),
  ]);
}

/** What the tables of a database still say of a person. */
async function tracesIn(name: string, person: keyof typeof SIGNS): Promise<string[]> {
  return Object.entries(await allRows(name)).flatMap(([table, rows]) =>
    rows.flatMap((row) => SIGNS[person].filter((sign) => JSON.stringify(row).includes(sign)).map((sign) => `${table}: ${sign}`)),
  );
}

/** A second that begins after all that was, and before all that comes. */
async function nextSecond(): Promise<string> {
  await sleep(1_100);
  const second = `${new Date(Math.ceil(Date.now() / 1000) * 1000).toISOString().slice(0, 19)}Z`;
  await sleep(2_100);
  return second;
}

/** A payment that Tilled was asked for and never heard of, whose job waits. */
async function leaveUnanswered(customerId: string): Promise<void> {
  await cut(world, 'POST /v1/payment-intents', 'before');
  const { data } = await world.send(app, ops.PaymentCreateDocument, {
    input: { customerId, amount: { amountMinor: 6_600, currency: 'usd' } },
  });
  expect(data?.paymentCreate.payment?.status).toBe('UNKNOWN');
}

/** How often Tilled was asked for something that changes it. */
async function writesAtTilled(): Promise<number> {
  const { requests } = (await world.control('requests')) as { requests: { method: string; path: string }[] };
  return requests.filter(({ method, path: asked }) => method !== 'GET' && asked.startsWith('/v1/')).length;
}

async function destroy(): Promise<void> {
  await world.gateway.database.close();
  if (server === null) await rm(fileOf(world.environment['DATABASE_URL_BILLING'] ?? ''), { force: true });
  else await onServer('drop database billing_db');
}

function restore(name: string, ...options: readonly string[]): Promise<Ending> {
  return billing(['restore', '--to', urlOf(name), ...options], environment, COMMAND_MS_MAX);
}

function urlOf(name: string): string {
  return server === null ? `sqlite:${path.join(directory, `${name}.db`)}` : server.urlOf(name);
}

function fileOf(url: string): string {
  return url.slice('sqlite:'.length);
}

async function open(name: string): Promise<Foundation> {
  const { database } = readConfig({ DATABASE_URL_BILLING: urlOf(name) }, directory);
  const foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
  foundations.push(foundation);
  return foundation;
}

async function allRows(name: string): Promise<Readonly<Record<string, readonly AnyRow[]>>> {
  return rowsOf(await open(name));
}

async function rowsOf({ database }: Pick<Foundation, 'database'>): Promise<Readonly<Record<string, readonly AnyRow[]>>> {
  const tables = await tableNames(database);
  const entries = tables.map(async (table) => {
    const rows = await database.query(`select * from ${table}`, []);
    return [table, rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function expectSameAsTilled(rows: Readonly<Record<string, readonly AnyRow[]>>): Promise<void> {
  const intents = await atTilled(world, app, 'payment_intents');
  const charges = await atTilled(world, app, 'charges');
  const subscriptions = await atTilled(world, app, 'subscriptions');
  const refundedOf = (id: unknown) =>
    charges.filter((charge) => charge['payment_intent_id'] === id).reduce((sum, charge) => sum + Number(charge['amount_refunded']), 0);
  const sent = (rows['billing_payments'] ?? []).filter((row) => row['tilled_payment_intent_id'] !== null);
  const ours = sent.map((row) => [
    row['tilled_payment_intent_id'],
    String(row['status']).toLowerCase(),
    Number(row['captured_minor']),
    Number(row['refunded_minor']),
  ]);
  const theirs = intents.map((intent) => [intent['id'], intent['status'], intent['amount_received'], refundedOf(intent['id'])]);
  expect(intents.length).toBeGreaterThan(4);
  expect(ours.toSorted()).toEqual(theirs.toSorted());
  expect((rows['billing_refunds'] ?? []).map((row) => row['tilled_refund_id']).toSorted()).toEqual(
    (await atTilled(world, app, 'refunds')).map((refund) => refund['id']).toSorted(),
  );
  expect((rows['billing_subscriptions'] ?? []).map((row) => String(row['status']).toLowerCase())).toEqual(
    subscriptions.map((subscription) => subscription['status']),
  );
  expect(subscriptions.map((subscription) => subscription['status'])).toEqual(['canceled']);
}

/** Changes one byte in the middle of each file of data. */
async function damage(repository: string): Promise<void> {
  const data = path.join(repository, 'data');
  for (const entry of await readdir(data, { recursive: true })) {
    const file = path.join(data, entry);
    if (!(await stat(file)).isFile()) continue;
    const bytes = await readFile(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    await rm(file);
    await writeFile(file, bytes);
  }
}

async function onServer(statement: string): Promise<Readonly<Record<string, unknown>>[]> {
  const connection = await mysql.createConnection(server?.urlOf('') ?? '');
  try {
    const [rows] = await connection.query(statement);
    return rows as Readonly<Record<string, unknown>>[];
  } finally {
    await connection.end();
  }
}

async function databaseNames(): Promise<string[]> {
  return (await onServer('show databases')).map((row) => String(row['Database']));
}
