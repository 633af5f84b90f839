import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readBackupConfig, readRestoreTarget } from '../../src/config.backup.js';
import { type ConfigError, readConfig } from '../../src/config.js';
import { readPreflightConfig } from '../../src/config.preflight.js';
import { TEST_ENCRYPTION, TEST_ENCRYPTION_KEY } from '../support/encryption.js';

/** Every secret, with a value that is right. */
const SECRETS = {
  DATABASE_URL_BILLING: 'mysql://u:hunter2@db/billing_db?connection_limit=5',
  TILLED_SECRET_KEY: 'sk_hunter2',
  TILLED_PUBLIC_KEY: 'pk_hunter2',
  TILLED_WEBHOOK_SECRET: 'whsec_hunter2',
  TILLED_ACCOUNT_ID: 'acct_hunter2',
  BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
  BILLING_ENCRYPTION_KEY_PREVIOUS: Buffer.from(TEST_ENCRYPTION.key.toReversed()).toString('base64'),
  BILLING_METRICS_TOKEN: 'hunter2-of-prometheus',
  REDIS_URL: 'redis://:hunter2@cache:6379',
  BILLING_BACKUP_DATABASE_URL: 'mysql://backup:hunter2@db/billing_db',
  BILLING_DRILL_DATABASE_URL: 'mysql://drill:hunter2@db/billing_drill',
  DATABASE_URL_BILLING_READONLY: 'mysql://reader:hunter2@db/billing_db',
  RESTIC_REPOSITORY: 's3:hunter2.example.com/backups',
  RESTIC_PASSWORD: 'hunter2 of restic',
  AWS_ACCESS_KEY_ID: 'AKIAhunter2',
  AWS_SECRET_ACCESS_KEY: 'hunter2/secret',
} as const;
const NAMES = Object.keys(SECRETS) as (keyof typeof SECRETS)[];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'bg_test_'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(text: string, mode = 0o600): string {
  const file = path.join(mkdtempSync(path.join(directory, 'secret-')), 'value');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Everything that is read of an environment, by every command. */
function readAll(environment: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  const tried = <Read>(read: () => Read): Read | null => {
    try {
      return read();
    } catch (error) {
      problems.push(...(error as ConfigError).problems);
      return null;
    }
  };
  const config = tried(() => readConfig({ NODE_ENV: 'production', ...environment }, directory));
  const backup = tried(() => readBackupConfig(environment, config ?? readConfig({}, directory)));
  return { config, backup, preflight: tried(() => readPreflightConfig(environment, directory)), problems };
}

const inFiles = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${name}_FILE`, fileWith(`${value}\n`)]));
const without = (name: string) => Object.fromEntries(Object.entries(SECRETS).filter(([other]) => other !== name));

describe('a secret', () => {
  it('is the same from a file as from its variable, whichever it is', () => {
    const [fromFiles, fromVariables] = [readAll(inFiles(SECRETS)), readAll(SECRETS)];
    expect(fromFiles.problems).toEqual([]);
    expect(fromFiles.config).toEqual(fromVariables.config);
    expect(fromFiles.config?.warnings).toEqual([]);
    expect(fromFiles.preflight).toEqual(fromVariables.preflight);
    expect(fromFiles.backup).toMatchObject({
      database: fromVariables.backup?.database,
      drillDatabase: fromVariables.backup?.drillDatabase,
    });
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
    expect(fromFiles.backup?.environment).toMatchObject({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  });

  it.each(NAMES)('%s is refused with quotes around it, and shown to nobody', (name) => {
    for (const quoted of [`"${SECRETS[name]}"`, `'${SECRETS[name]}'`]) {
      const { problems } = readAll({ ...SECRETS, [name]: quoted });
      expect(new Set(problems)).toEqual(new Set([expect.stringMatching(new RegExp(`^${name} has quotes around its value`))]));
    }
  });

  it.each(NAMES)('%s is refused twice, from a file that is not there, empty or of several lines', (name) => {
    const wrong: readonly [Readonly<Record<string, string>>, RegExp][] = [
      [{ [name]: SECRETS[name], [`${name}_FILE`]: fileWith(SECRETS[name]) }, new RegExp(`^${name} and ${name}_FILE are both set`)],
      [{ [`${name}_FILE`]: path.join(directory, 'hunter3') }, new RegExp(`^${name}_FILE names a file that cannot be read \\(ENOENT\\)`)],
      [{ [`${name}_FILE`]: fileWith('\n') }, new RegExp(`^${name}_FILE names a file that is empty`)],
      [{ [`${name}_FILE`]: fileWith(`${SECRETS[name]}\nhunter3`) }, new RegExp(`^${name}_FILE names a file that has several lines`)],
    ];
    for (const [change, sentence] of wrong) {
      const { problems } = readAll({ ...without(name), ...change });
      expect(problems.length).toBeGreaterThan(0);
      for (const problem of problems) expect(problem).toMatch(sentence);
      expect(problems.join()).not.toContain('hunter');
    }
  });

  it.each(NAMES)('%s is taken from a file that everybody may read, and that is said', (name) => {
    const { config, preflight, problems } = readAll({ ...without(name), [`${name}_FILE`]: fileWith(SECRETS[name], 0o644) });
    expect(problems).toEqual([]);
    const warnings = [...(config?.warnings ?? []), ...(preflight?.warnings ?? [])];
    const isOfBackups = /^(AWS|RESTIC_REPOSITORY)/.test(name);
    if (!isOfBackups) expect(warnings).toContainEqual(expect.stringMatching(new RegExp(`^${name}_FILE names a file that every user`)));
  });
});

describe('the database that a restore fills', () => {
  const url = 'mysql://admin:hunter2@new/billing_db';

  it('is named by a file or a variable, so that its password is no argument, or else by the command line', () => {
    for (const environment of [
      { BILLING_RESTORE_DATABASE_URL_FILE: fileWith(`${url}\n`) },
      { BILLING_RESTORE_DATABASE_URL: url, BILLING_DATABASE_SSL_MODE: 'REQUIRED' },
    ])
      expect(readRestoreTarget(environment, undefined)).toMatchObject({ kind: 'mysql', location: url });
    const named = 'mysql://admin:hunter3@other/billing_db';
    expect(readRestoreTarget({ BILLING_RESTORE_DATABASE_URL: url }, named)).toMatchObject({ location: named });
  });

  it('is never guessed', () => {
    for (const environment of [{}, { BILLING_RESTORE_DATABASE_URL: ' ' }, { DATABASE_URL_BILLING: url }])
      expect(() => readRestoreTarget(environment, undefined)).toThrow(/BILLING_RESTORE_DATABASE_URL is missing/);
    expect(() => readRestoreTarget({ BILLING_RESTORE_DATABASE_URL_FILE: '/nowhere' }, undefined)).toThrow(/cannot be read \(ENOENT\)/);
  });
});
