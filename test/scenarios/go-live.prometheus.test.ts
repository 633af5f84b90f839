import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import mysql from 'mysql2/promise';
import type { Report } from '../../src/preflight/report.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { REGISTERED_TYPES } from '../../src/webhooks/event-catalogue.js';
import { makeCheap } from '../support/cheap-repository.js';
import { makeDocumentedUsers, type Role } from '../support/documented-users.js';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { KillableDatabase } from '../support/killable-database.js';
import { billing, type Ending, type Environment, freePort, type RunningProcess, runningGateway } from '../support/processes.js';
import { Prometheus } from '../support/prometheus.js';

const COMMAND_MS_MAX = 120_000;
// Each starts processes of ours.
jest.setTimeout(120_000);
const PASSWORD = 'of-a-test-repository';
const TOKEN = 'metrics-token-of-a-test-0123456789';

/** What only people can answer. */
const PEOPLE = [
  ...['database.people', 'secrets.managed', 'alerts.reach-people', 'dashboard.imported'],
  ...['migration.planned', 'migration.rehearsed', 'migration.scheduled', 'security.reviewed'],
  ...['training.developers', 'training.support', 'tests.passed', 'load.limits'],
  ...['launch.told', 'launch.announced', 'rollback.rehearsed'],
];
/** What cannot be asked of a sandbox on this machine, and what begins with the first customer. */
const NOT_HERE = ['tilled.production', 'service.https', 'database.tls'];
const AFTER_THE_LAUNCH = ['watch.first-payment', 'watch.objectives', 'watch.retrospective', 'watch.runbooks-updated'];

let server: KillableDatabase;
let directory: string;
let sandbox: Sandbox;
let gateway: RunningProcess;
let prometheus: Prometheus;
let environment: Environment;
let smoke: Ending;

if (globalThis.TEST_DATABASE === 'mysql') {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'bg_test_live_'));
    const made = await KillableDatabase.create({ keepsLogs: true });
    if (made === null) throw new Error('There is no database server.');
    server = made;
    const as = await makeDocumentedUsers(server.url, (url) => good(['migrate'], { DATABASE_URL_BILLING: `${url}?connection_limit=2` }));
    environment = await furnished(as);
    await good(['apps', 'create', 'smoke', '--name', 'Smoke']);
    gateway = await runningGateway(environment);
    await backedUp();
    prometheus = await Prometheus.start({ 'billing-gateway': new URL(url()).host }, { token: TOKEN, isPatient: true });
    environment = { ...environment, PROMETHEUS_URL: prometheus.url };
    smoke = await good(['smoke', '--app', 'smoke', '--json']);
    await swept();
    await good(['preflight', 'attest', ...PEOPLE, '--by', 'Ann Lee', '--expires-days', '30']);
  }, 300_000);
  afterAll(async () => {
    await prometheus?.close();
    await gateway?.end('SIGKILL');
    await sandbox?.close();
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  describe("a deployment that was set up in full, with the sandbox in Tilled's place", () => {
    it('is ready by preflight, in a rehearsal: nothing has failed, and nothing was left out but what a sandbox cannot be asked', async () => {
      const { status, stdout, stderr } = await billing(['preflight', '--rehearsal', '--json'], environment, COMMAND_MS_MAX);
      const { checks, isReady, isRehearsal } = JSON.parse(stdout) as Report;
      expect(checks.filter((check) => check.status === 'failed')).toEqual([]);
      expect([status, stderr, isReady, isRehearsal]).toEqual([0, '', true, true]);
      const idsWith = (wanted: string) => checks.filter((check) => check.status === wanted).map(({ id }) => id);
      expect(idsWith('attested').toSorted()).toEqual(PEOPLE.toSorted());
      expect(idsWith('not_applicable').toSorted()).toEqual([...NOT_HERE, ...AFTER_THE_LAUNCH].toSorted());
    });

    it('is not ready without the word rehearsal, for what a sandbox is not', async () => {
      const { status, stdout } = await billing(['preflight', '--phase', '2', '--json'], environment, COMMAND_MS_MAX);
      const { checks } = JSON.parse(stdout) as Report;
      expect(checks.filter((check) => check.status === 'failed').map(({ id }) => id)).toEqual(['tilled.production', 'service.https']);
      expect(status).toBe(1);
    });

    it('signs a report that its own key verifies, and that nobody changes unseen', async () => {
      const { stdout } = await billing(['preflight', '--phase', '9', '--json'], environment, COMMAND_MS_MAX);
      const file = path.join(directory, 'report.json');
      await writeFile(file, stdout);
      expect((await billing(['preflight', 'verify', file], environment)).status).toBe(0);
      expect((JSON.parse(stdout) as Report).signature.keyFrom).toBe('BILLING_ENCRYPTION_KEY');
      await writeFile(file, stdout.replace('Ann Lee', 'Bob Lee'));
      expect((await billing(['preflight', 'verify', file], environment)).status).toBe(1);
    });

    it('was smoke-tested with one cent that went and came back', () => {
      const { isGood, steps } = JSON.parse(smoke.stdout) as { isGood: boolean; steps: { name: string }[] };
      const names = [
        'customer',
        'idempotency',
        'payment-method',
        'subscription',
        'charge',
        'webhook',
        'cancel',
        'cancel-webhook',
        'refund',
      ];
      expect([isGood, steps.map(({ name }) => name)]).toEqual([true, [...names, 'clean-up']]);
    });
  });

  describe('preflight finds', () => {
    it('a service that may do more than it needs, and leaves the database as it was', async () => {
      const tables = () =>
        onServer("select table_name, create_time from information_schema.tables where table_schema = 'billing_db' order by 1");
      const before = await tables();
      const asRoot = {
        ...environment,
        DATABASE_URL_BILLING: `${server.url}?connection_limit=4`,
        DATABASE_URL_BILLING_READONLY: server.url,
      };
      const failures = await failuresOf('1', asRoot);
      expect(failures.get('database.grants')).toContain('CREATE TABLE, DROP TABLE, ALTER TABLE');
      expect(failures.get('database.readonly')).toMatch(/INSERT, UPDATE, DELETE.*e-mail addresses/);
      expect([...failures.keys()]).toEqual(['database.grants', 'database.readonly']);
      expect(await tables()).toEqual(before);
    });

    it('a column that no migration made', async () => {
      await onServer('alter table billing_db.billing_customers add column shoe_size int null');
      expect((await failuresOf('1')).get('database.migrated')).toBe('billing_customers.shoe_size is not ours');
      await onServer('alter table billing_db.billing_customers drop column shoe_size');
    });

    it('an attestation that is over, and a backup that is too old', async () => {
      await onServer("update billing_db.billing_attestations set expires_at = '2020-01-01' where check_id = 'launch.told'");
      expect((await failuresOf('9')).get('launch.told')).toContain('that is over');
      await onServer("update billing_db.billing_backups set finished_at = finished_at - interval 7 hour where kind = 'full'");
      expect((await failuresOf('1')).get('backups.recent')).toMatch(/ended 4\d\d min ago/);
    });

    it('a card number in the database', async () => {
      const card = ['4111', '1111', '1111', '1111'].join('');
      // In the row of a customer who is there: the sweep takes metadata from those whom the smoke test deleted.
      await addCustomer();
      await onServer(`update billing_db.billing_customers set metadata = '{"note":"${card}"}' where deleted_at is null`);
      expect((await failuresOf('6')).get('pci.no-card-data')).toContain('billing_customers.metadata');
    });

    it('a webhook secret that is not the one of the gateway', async () => {
      const other = { ...environment, TILLED_WEBHOOK_SECRET: 'whsec_of_somebody_else_0123456789' };
      expect([...(await failuresOf('2', other)).keys()]).toEqual(expect.arrayContaining(['webhooks.signed', 'webhooks.duplicate']));
    });

    it('a gateway that does not run', async () => {
      await gateway.end('SIGKILL');
      const failures = await failuresOf('3');
      expect([...failures.keys()]).toEqual(['service.ready', 'service.guarded', 'limits.requests', 'limits.size']);
      expect(failures.get('service.ready')).toBe(`${url()}/readyz does not answer.`);
    });
  });
} else {
  it('is on a database server: see the project mysql', () => expect(globalThis.TEST_DATABASE).toBe('embedded'));
}

function url(): string {
  return environment['BILLING_PUBLIC_URL'] ?? '';
}

async function good(args: readonly string[], variables = environment): Promise<Ending> {
  const ending = await billing(args, variables, COMMAND_MS_MAX);
  if (ending.status !== 0) throw new Error(`billing ${args.join(' ')}: ${ending.status} ${ending.stdout} ${ending.stderr}`);
  return ending;
}

async function failuresOf(phase: string, variables = environment): Promise<Map<string, string>> {
  const { stdout } = await billing(['preflight', '--rehearsal', '--phase', phase, '--json'], variables, COMMAND_MS_MAX);
  const { checks } = JSON.parse(stdout) as Report;
  return new Map(checks.filter(({ status }) => status === 'failed').map(({ id, evidence }) => [id, evidence]));
}

async function addCustomer(): Promise<void> {
  const { stdout: key } = await good(['keys', 'create', '--app', 'smoke', '--role', 'service']);
  const query = 'mutation { customerCreate(input: { email: "ann@example.com" }) { customer { id } userErrors { code } } }';
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key.trim()}` };
  const answer = await fetch(`${url()}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  expect(await answer.json()).toMatchObject({ data: { customerCreate: { customer: { id: expect.any(String) }, userErrors: [] } } });
}

async function onServer(sql: string): Promise<unknown> {
  const connection = await mysql.createConnection(server.url);
  try {
    return (await connection.query(sql))[0];
  } finally {
    await connection.end();
  }
}

/** Lets the sweep run now that would come within a day: it erases what is left of the smoke test's customer. */
async function swept(): Promise<void> {
  await onServer("update billing_db.billing_jobs set due_at = utc_timestamp(3) where kind = 'retention.sweep'");
  const isDone =
    "select min(due_at) > utc_timestamp(3) + interval 1 hour as is_done from billing_db.billing_jobs where kind = 'retention.sweep'";
  for (const until = Date.now() + COMMAND_MS_MAX; Date.now() < until; await sleep(200)) {
    const [row] = (await onServer(isDone)) as { is_done: number }[];
    if (row?.is_done === 1) return;
  }
  throw new Error('The retention sweep was not done in time.');
}

/** The users of ops/grants, an account at the sandbox whose events come here, and production's variables. */
async function furnished(as: (role: Role) => string): Promise<Environment> {
  const port = await freePort();
  sandbox = await startSandbox({ port: 0, seed: 1 });
  const account = await sandbox.provision({ name: 'Merchant' });
  const publicUrl = `http://127.0.0.1:${port}`;
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    BILLING_PUBLIC_URL: publicUrl,
    BILLING_DATA_DIR: directory,
    BILLING_LOG_DIR: path.join(directory, 'log'),
    BILLING_METRICS_TOKEN: TOKEN,
    BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    DATABASE_URL_BILLING: `${as('service')}?connection_limit=10`,
    DATABASE_URL_BILLING_READONLY: as('readonly'),
    BILLING_BACKUP_DATABASE_URL: as('backup'),
    RESTIC_REPOSITORY: path.join(directory, 'repository'),
    RESTIC_PASSWORD_FILE: path.join(directory, 'password'),
    RESTIC_CACHE_DIR: path.join(directory, 'cache'),
    TILLED_BASE_URL: sandbox.url,
    TILLED_ACCOUNT_ID: account.accountId,
    TILLED_SECRET_KEY: account.secretKey,
    TILLED_PUBLIC_KEY: account.publishableKey,
    TILLED_WEBHOOK_SECRET: await endpointSecret(account, `${publicUrl}/api/billing/webhooks`),
  };
}

async function endpointSecret(account: { accountId: string; secretKey: string }, to: string): Promise<string> {
  const response = await fetch(`${sandbox.url}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'tilled-api-key': account.secretKey, 'tilled-account': account.accountId },
    body: JSON.stringify({ url: to, enabled_events: REGISTERED_TYPES }),
  });
  return ((await response.json()) as { secret: string }).secret;
}

/** A full backup, the logs since, and the proof that both can be restored. */
async function backedUp(): Promise<void> {
  await good(['backup', '--init']);
  await makeCheap(environment['RESTIC_REPOSITORY'] ?? '', PASSWORD);
  await good(['backup', '--logs']);
  await good(['drill']);
}
