import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { composeFoundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import type { Report } from '../../src/preflight/report.js';
import { Certificates } from '../support/certificates.js';
import { makeCheap } from '../support/cheap-repository.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import { KillableDatabase, PASSWORD } from '../support/killable-database.js';
import { billing, type Environment, gatewayThatEnds } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const STORY_MS_MAX = 200_000;
const REPOSITORY_PASSWORD = 'of-a-test-repository';
/** Every sign that means something in a URL, an option file or SQL. */
const ODD_PASSWORD = 'p@s:s/w%d#?"\\ +x';
const USERS = [
  // Its connections must be encrypted, and show a certificate of the authority.
  `create user if not exists 'certified'@'%' identified by '${PASSWORD}' require x509;`,
  "grant all on billing_db.* to 'certified'@'%';",
  `create user if not exists 'backup'@'%' identified by '${ODD_PASSWORD.replaceAll('\\', '\\\\')}' require x509;`,
  "grant all on *.* to 'backup'@'%';",
];
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

if (globalThis.TEST_DATABASE === 'mysql') {
  let certificates: Certificates;
  let server: KillableDatabase;
  let plain: KillableDatabase;
  let directory: string;
  let world: World;
  let app: TestApp;

  /** As the certified user, by default with all that is right. */
  const urlOf = (change: Readonly<Record<string, string>> = {}, host = 'localhost') =>
    server.urlAt(host, { 'ssl-mode': 'VERIFY_IDENTITY', ...right(), ...change }, 'certified');
  const right = () => ({
    'ssl-ca': certificates.file('ca'),
    'ssl-cert': certificates.file('client'),
    'ssl-key': certificates.key('client'),
  });
  const backupUrl = (change: Readonly<Record<string, string>> = {}, name = 'billing_db') => {
    const url = new URL(urlOf(change));
    [url.username, url.password, url.pathname] = ['backup', encodeURIComponent(ODD_PASSWORD), name];
    return url.toString();
  };
  const withDatabase = (url: string): Environment => ({
    ...world.environment,
    DATABASE_URL_BILLING: url,
    PORT: '0',
    BILLING_WORKER: 'off',
  });
  const forBackups = (): Environment => ({
    ...withDatabase(urlOf()),
    BILLING_BACKUP_DATABASE_URL: backupUrl(),
    RESTIC_REPOSITORY: path.join(directory, 'repository'),
    RESTIC_PASSWORD_FILE: path.join(directory, 'password'),
    RESTIC_CACHE_DIR: path.join(directory, 'cache'),
    BILLING_DATA_DIR: directory,
  });
  const created = async (wishes: Parameters<typeof KillableDatabase.create>[0]): Promise<KillableDatabase> => {
    const made = await KillableDatabase.create(wishes);
    if (made === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
    return made;
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'bg_test_tls_'));
    await writeFile(path.join(directory, 'password'), `${REPOSITORY_PASSWORD}\n`, { mode: 0o600 });
    certificates = await Certificates.make();
    const files = [
      `--ssl-ca=${certificates.file('ca')}`,
      `--ssl-cert=${certificates.file('server')}`,
      `--ssl-key=${certificates.key('server')}`,
    ];
    // What a dump is loaded with must say autocommit too, or its last rows are lost.
    const settings = [...files, '--require-secure-transport=ON', '--bind-address=*', '--autocommit=0'];
    server = await created({ keepsLogs: true, settings, statements: USERS });
    plain = await created({ settings: ['--loose-skip-ssl'] });
    const migrated = await billing(['migrate'], { DATABASE_URL_BILLING: urlOf() });
    expect(migrated).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Applied /m) });
    world = await World.create({ scratch: { url: urlOf(), drop: async () => undefined } });
    app = await world.app();
  }, STORY_MS_MAX);
  afterAll(async () => {
    try {
      await world.close();
    } finally {
      for (const each of [server, plain]) await each.close();
      await certificates.close();
      await rm(directory, { recursive: true, force: true });
    }
  });

  describe('a database server that demands TLS and a certificate', () => {
    const no = { 'ssl-cert': '', 'ssl-key': '' };
    /** Each with what is said of the gateway, of billing migrate, and of the programs of backups. */
    const wrong: readonly [string, () => string, RegExp, RegExp][] = [
      // MariaDB's programs use TLS by themselves where the server has it.
      ['nothing said', () => server.urlAt('localhost'), /wants TLS: say ssl-mode=VERIFY_IDENTITY and ssl-ca/, /Access denied|not empty/],
      ['plain text', () => server.urlAt('localhost', { 'ssl-mode': 'DISABLED' }), /wants TLS: say ssl-mode/, /Access denied/],
      ['a wrong authority', () => urlOf({ 'ssl-ca': certificates.file('other') }), /is not the one that ssl-ca .* want/, /certificate/],
      ['no certificate', () => withoutEmpty(urlOf(no)), /wants a client certificate: say ssl-cert and ssl-key/, /Access denied/],
      [
        'a wrong name',
        () => urlOf({}, '127.0.0.1'),
        /is not the one that .*VERIFY_IDENTITY want: .*127\.0\.0\.1/,
        /[Vv]alidation|[Vv]erif/,
      ],
    ];

    it.each(wrong)('refuses %s by name', async (_, url, sentence, ofPrograms) => {
      const environment = { ...forBackups(), DATABASE_URL_BILLING: url() };
      const [gateway, migrate] = await Promise.all([gatewayThatEnds(environment), billing(['migrate'], environment)]);
      for (const end of [gateway, migrate]) expect(end).toMatchObject({ status: 78, stderr: expect.stringMatching(sentence) });
      for (const end of [gateway, migrate]) expect(end.stderr).not.toContain(PASSWORD);
      const restore = await billing(['restore', '--to', url(), '--no-replay'], forBackups());
      expect(restore).toMatchObject({ status: 1, stderr: expect.stringMatching(ofPrograms) });
    });

    it('takes payments by verified connections, in every pool', async () => {
      const { customer } = await world.payer(app);
      await world.payment(app, customer.id);
      await world.subscription(app, customer.id);
      await world.settle();
      const { stdout } = await billing(['preflight', '--phase', '1', '--json'], withDatabase(urlOf()));
      const { checks } = JSON.parse(stdout) as Report;
      expect(checks.find(({ id }) => id === 'database.tls')).toMatchObject({
        status: 'ok',
        evidence: expect.stringMatching(/^Encrypted with TLS_\w+; the name of the server is verified\.$/),
      });
    });

    it('is reached as the variables say where the URL says nothing, and by an authority alone', async () => {
      const bare = server.urlAt('localhost', {}, 'certified');
      const files = { BILLING_DATABASE_SSL_CA: certificates.file('ca'), BILLING_DATABASE_SSL_MODE: 'verify_ca' };
      const client = { BILLING_DATABASE_SSL_CERT: certificates.file('client'), BILLING_DATABASE_SSL_KEY: certificates.key('client') };
      expect(await billing(['migrate'], { DATABASE_URL_BILLING: bare, ...files, ...client })).toMatchObject({ status: 0, stderr: '' });
      const byAddress = urlOf({ 'ssl-mode': 'VERIFY_CA' }, '127.0.0.1');
      expect(await billing(['migrate'], { DATABASE_URL_BILLING: byAddress })).toMatchObject({ status: 0, stderr: '' });
    });

    it('has to prove the name of each of several hosts, and is not used by one that it does not have', async () => {
      const [wrong, right] = [new URL(urlOf({}, '127.0.0.1')).host, new URL(urlOf()).host];
      const { database: config } = readConfig({ DATABASE_URL_BILLING: urlOf().replace(right, `${wrong},${right}`) }, directory);
      const { database } = await composeFoundation({
        ...{ database: config, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') },
      });
      expect(await database.query('select 1 as one', [])).toEqual([{ one: 1 }]);
      expect(database.hosts?.reports()).toMatchObject([
        { name: wrong, isInUse: false, fault: expect.stringContaining('it refuses: Hostname/IP does not match') },
        { name: right, isInUse: true, fault: null },
      ]);
      await database.close();
    });

    if (hasIpv6)
      it('is reached and verified by its IPv6 address, on connections that come later too', async () => {
        expect(await billing(['migrate'], { DATABASE_URL_BILLING: urlOf({}, '[::1]') })).toMatchObject({ status: 0, stderr: '' });
        const { database: config } = readConfig({ DATABASE_URL_BILLING: urlOf({}, '[::1]') }, directory);
        const { database } = await composeFoundation({
          ...{ database: config, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') },
        });
        for (let round = 0; round < 3; round += 1) {
          const asked = await Promise.all(
            Array.from({ length: 2 + round }, () => database.query('select 1 as one, sleep(0.2) as slept', [])),
          );
          expect(asked.flat().map(({ one }) => one)).toEqual(Array.from({ length: 2 + round }, () => 1));
        }
        await database.close();
      });

    it(
      'is backed up, restored into and tried by a drill, all of it by TLS',
      async () => {
        const environment = forBackups();
        const init = billing(['backup', '--init', '--json'], environment, STORY_MS_MAX);
        expect(await init).toMatchObject({ status: 0, stderr: '' });
        await makeCheap(path.join(directory, 'repository'), REPOSITORY_PASSWORD);
        const to = backupUrl({}, 'billing_again');
        const restored = await billing(['restore', '--to', to, '--no-replay'], environment, STORY_MS_MAX);
        expect(restored).toMatchObject({ status: 0, stderr: '' });
        expect(
          await billing(['drill'], { ...environment, BILLING_DRILL_DATABASE_URL: backupUrl({}, 'billing_drill') }, STORY_MS_MAX),
        ).toMatchObject({ status: 0, stderr: '' });
      },
      STORY_MS_MAX,
    );
  });

  describe('a database server without TLS', () => {
    it('is refused where TLS is demanded, by the gateway and by the programs of backups', async () => {
      const url = plain.urlAt('127.0.0.1', { 'ssl-mode': 'REQUIRED' });
      const migrate = await billing(['migrate'], { DATABASE_URL_BILLING: url });
      expect(migrate).toMatchObject({ status: 78, stderr: expect.stringMatching(/offers no TLS, and ssl-mode=REQUIRED demands it/) });
      const restore = await billing(['restore', '--to', url, '--no-replay'], forBackups());
      expect(restore).toMatchObject({ status: 1, stderr: expect.stringMatching(/offers no TLS, and ssl-mode=REQUIRED demands it/) });
    });
  });

  /** Without the parameters that are empty. */
  function withoutEmpty(text: string): string {
    const url = new URL(text);
    for (const [name, value] of [...url.searchParams]) if (value === '') url.searchParams.delete(name);
    return url.toString();
  }
} else {
  it('the embedded database has no connection to protect', async () => {
    const alone = await World.create();
    expect(alone.gateway.database.config.tls).toBeNull();
    await alone.close();
  });
}
