import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Report } from '../../src/preflight/report.js';
import { KillableDatabase } from '../support/killable-database.js';
import { billing } from '../support/processes.js';

const TILLED_OF_NOBODY = {
  TILLED_BASE_URL: 'http://127.0.0.1:9',
  TILLED_SECRET_KEY: 'sk_of_nobody',
  TILLED_PUBLIC_KEY: 'pk_of_nobody',
  TILLED_WEBHOOK_SECRET: 'whsec_of_nobody_0123456789',
  TILLED_ACCOUNT_ID: 'acct_of_nobody',
};

/** What the MySQL image gives the scripts that it sources: a way to its server, as root. */
const AS_THE_IMAGE_DOES = `set -eo pipefail
docker_process_sql() { mysql --defaults-extra-file="$SECRETS/root.cnf" billing_db; }
. ops/docker/database-users.sh
echo went on`;

if (globalThis.TEST_DATABASE === 'mysql') {
  describe('the users of compose.yml', () => {
    let server: KillableDatabase;
    let directory: string;
    let environment: Record<string, string>;

    beforeAll(async () => {
      const own = await KillableDatabase.create();
      if (own === null) throw new Error('There is no mariadbd or mysqld here.');
      server = own;
      directory = await mkdtemp(path.join(tmpdir(), 'bg_users_'));
      await cp('ops/docker/secrets.sh', path.join(directory, 'ops/docker/secrets.sh'));
      const { hostname, port, username, password } = new URL(server.url);
      environment = {
        PATH: process.env['PATH'] ?? '',
        SECRETS: path.join(directory, 'secrets'),
        GRANTS: path.resolve('ops/grants'),
        DATABASE_HOST: hostname,
        DATABASE_PORT: port,
      };
      expect(sh(path.join(directory, 'ops/docker/secrets.sh'))).toMatchObject({ status: 0 });
      const root = `[client]\nhost=${hostname}\nport=${port}\nprotocol=tcp\nuser=${username}\npassword=${password}\n`;
      await writeFile(secret('root.cnf'), root);
      await writeFile(secret('database-root-password'), `${password}\n`);
    });
    afterAll(async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    });

    const secret = (name: string) => path.join(directory, 'secrets', name);
    const sh = (...args: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync('bash', ['--norc', ...args], { env: environment, encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    /** A URL of the secrets, to where the server is here. */
    async function urlOf(user: string): Promise<string> {
      const url = new URL((await readFile(secret(`database-url-${user}`), 'utf8')).trim());
      expect(url.host).toBe('database:3306');
      url.host = new URL(server.url).host;
      return url.toString();
    }

    it('are not made where a password is missing, short or no word, which would be part of a statement', async () => {
      const drawn = await readFile(secret('database-url-service'), 'utf8');
      for (const bad of ['', 'short', "aaaaaaaaaaaaaaaa' or '1", 'aaaaaaaaaaaaaaa;']) {
        await writeFile(secret('database-url-service'), drawn.replace(/service:[^@]*@/, `service:${bad}@`));
        const { status, stdout, stderr } = sh('-c', AS_THE_IMAGE_DOES);
        expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^database-url-service is not /)]);
      }
      await writeFile(secret('database-url-service'), drawn);
    });

    it('are made with the database, migrate it, read reports after it, and pass our own check of what each may', async () => {
      expect(sh('-c', AS_THE_IMAGE_DOES)).toEqual({ status: 0, stdout: 'went on\n', stderr: '' });
      expect(await billing(['migrate'], { DATABASE_URL_BILLING: await urlOf('migrator') })).toMatchObject({ status: 0, stderr: '' });
      for (const _ of ['once', 'again']) expect(sh('ops/docker/analytics.sh')).toMatchObject({ status: 0, stderr: '' });
      const [service, readonly] = [await urlOf('service'), await urlOf('readonly')];
      const users = { DATABASE_URL_BILLING: service, DATABASE_URL_BILLING_READONLY: readonly };
      const key = { BILLING_ENCRYPTION_KEY: (await readFile(secret('encryption-key'), 'utf8')).trim() };
      const { stdout } = await billing(['preflight', '--phase', '1', '--json'], { ...users, ...key, ...TILLED_OF_NOBODY });
      const { checks } = JSON.parse(stdout) as Report;
      const found = checks.filter(({ id }) => ['database.migrated', 'database.grants', 'database.readonly'].includes(id));
      expect(found.map(({ id, status }) => [id, status])).toEqual([
        ['database.migrated', 'ok'],
        ['database.grants', 'ok'],
        ['database.readonly', 'ok'],
      ]);
    });
  });
} else {
  it('are made on a database server: see the project mysql', () => expect(globalThis.TEST_DATABASE).toBe('embedded'));
}
