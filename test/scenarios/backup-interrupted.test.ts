import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeCheap } from '../support/cheap-repository.js';
import { billing, type Ending, type Environment } from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';

const PASSWORD = 'of-a-test-repository';
const COMMAND_MS_MAX = 120_000;
const BILLING = path.resolve(import.meta.dirname, '../../bin/billing.mjs');

let directory: string;
let scratch: ScratchDatabase;
let environment: Environment;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_interrupted_'));
  await mkdir(path.join(directory, 'tmp'));
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  scratch = await createScratchDatabase();
  environment = {
    DATABASE_URL_BILLING: scratch.url,
    RESTIC_REPOSITORY: path.join(directory, 'repository'),
    RESTIC_PASSWORD_FILE: path.join(directory, 'password'),
    RESTIC_CACHE_DIR: path.join(directory, 'cache'),
    BILLING_DATA_DIR: directory,
    TMPDIR: path.join(directory, 'tmp'),
  };
  expect(await run('migrate')).toMatchObject({ status: 0, stderr: '' });
  expect(await run('backup', '--init')).toMatchObject({ status: 0 });
  await makeCheap(path.join(directory, 'repository'), PASSWORD);
}, 200_000);
afterAll(async () => {
  await scratch.drop();
  await rm(directory, { recursive: true, force: true });
});

function run(...args: readonly string[]): Promise<Ending> {
  return billing(args, environment, COMMAND_MS_MAX);
}

interface ListedBackup {
  readonly snapshotId: string;
  readonly kind: string;
  readonly isVerified: boolean;
}

async function listed(): Promise<ListedBackup[]> {
  return JSON.parse((await run('backup', '--list', '--json')).stdout) as ListedBackup[];
}

function workDirectories(): Promise<string[]> {
  return readdir(path.join(directory, 'tmp')).then((names) => names.filter((name) => name.startsWith('billing-')));
}

describe('billing backup', () => {
  it('is made twice by two at once, and both are verified and listed', async () => {
    const before = await listed();
    const endings = await Promise.all([run('backup', '--json'), run('backup', '--json')]);
    expect(endings.map(({ status, stderr }) => [status, stderr])).toEqual([0, 0].map((status) => [status, '']));
    const made = endings.map(({ stdout }) => (JSON.parse(stdout) as ListedBackup).snapshotId);
    expect(new Set(made).size).toBe(2);
    const now = await listed();
    expect(now.length).toBe(before.length + 2);
    expect(now.filter(({ snapshotId, isVerified }) => made.includes(snapshotId) && isVerified)).toHaveLength(2);
  }, 200_000);

  it.each([
    'SIGTERM',
    'SIGINT',
  ] as const)('that is told to end by %s leaves no dump behind and nothing that would be restored', async (signal) => {
    const verified = (await listed()).filter(({ isVerified }) => isVerified).length;
    const child = spawn(process.execPath, [BILLING, 'backup'], { env: { PATH: process.env['PATH'], ...environment }, stdio: 'pipe' });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = once(child, 'close');
    for (const until = Date.now() + 60_000; Date.now() < until && (await workDirectories()).length === 0; ) await sleep(2);
    child.kill(signal);
    const [status] = (await ended) as [number | null];
    expect([status, said]).toEqual([1, expect.stringContaining(`Interrupted by ${signal}`)]);
    expect(await workDirectories()).toEqual([]);
    const left = await listed();
    expect(left.filter(({ isVerified }) => isVerified)).toHaveLength(verified);
    expect((await run('backup')).status).toBe(0);
  }, 200_000);

  it('removes what a run that was killed left behind, but not what may still be in use', async () => {
    for (const name of ['billing-backup-old', 'billing-login-old', 'billing-backup-new', 'somebody-elses'])
      await mkdir(path.join(directory, 'tmp', name));
    const longAgo = new Date(Date.now() - 2 * 86_400_000);
    for (const name of ['billing-backup-old', 'billing-login-old', 'somebody-elses'])
      await utimes(path.join(directory, 'tmp', name), longAgo, longAgo);
    expect((await run('backup')).status).toBe(0);
    expect((await readdir(path.join(directory, 'tmp'))).filter((name) => /^(billing-|somebody)/.test(name)).toSorted()).toEqual([
      'billing-backup-new',
      'somebody-elses',
    ]);
    await rm(path.join(directory, 'tmp', 'billing-backup-new'), { recursive: true });
  }, 100_000);

  it.each([
    [
      'an unreachable repository, and does not say to make it anew',
      { RESTIC_REPOSITORY: 'rest:http://127.0.0.1:9/' },
      /cannot be reached: .*connection refused/,
    ],
    ['a repository that is not there yet', { RESTIC_REPOSITORY: '/nowhere/at/all' }, /run `billing backup --init` once/],
    [
      'a password file that is missing',
      { RESTIC_PASSWORD_FILE: '/nowhere/at/all' },
      /RESTIC_PASSWORD_FILE names a file that cannot be read/,
    ],
  ])('names %s', async (_what, wrong, words) => {
    const ending = await billing(['backup'], { ...environment, ...wrong }, COMMAND_MS_MAX);
    // 78 where the configuration itself is wrong.
    expect([[1, 78].includes(ending.status ?? 0), ending.stderr]).toEqual([true, expect.stringMatching(words)]);
    expect(await workDirectories()).toEqual([]);
  });
});
