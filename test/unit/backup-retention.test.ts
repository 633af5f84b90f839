import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BackupError } from '../../src/backup/programs.js';
import { Restic } from '../../src/backup/restic.js';
import { FULL, LOGS, prune, UNVERIFIED, VERIFIED } from '../../src/backup/retention.js';
import { makeCheap } from '../support/cheap-repository.js';

const DAY_MS = 86_400_000;
const NOON = new Date('2026-03-31T12:00:00Z').getTime();
const AT_ONCE = 3;
const PASSWORD = 'of-a-test';

let directory: string;
let restic: Restic;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_retention_'));
  await mkdir(path.join(directory, 'source'));
  await writeFile(path.join(directory, 'source', 'content'), 'of a backup');
  const empty = path.join(directory, 'empty');
  await new Restic(environmentOf(empty)).init();
  await makeCheap(empty, PASSWORD);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function environmentOf(repository: string): Readonly<Record<string, string>> {
  const { PATH = '' } = process.env;
  const place = { RESTIC_REPOSITORY: repository, RESTIC_CACHE_DIR: path.join(directory, 'cache') };
  return { PATH, RESTIC_PASSWORD: PASSWORD, TZ: 'UTC', ...place };
}

/** A repository of its own for a test, with backups of these moments. */
async function repository(name: string, backups: readonly { readonly at: Date; readonly tags: readonly string[] }[]): Promise<Restic> {
  const environment = environmentOf(path.join(directory, name));
  await cp(path.join(directory, 'empty'), path.join(directory, name), { recursive: true });
  restic = new Restic(environment);
  const left = [...backups];
  const keeper = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const time = next.at.toISOString().slice(0, 19).replace('T', ' ');
      const args = ['backup', '--quiet', '--host', 'billing', '--tag', ['billing', ...next.tags].join(','), '--time', time, '.'];
      await promisify(execFile)('restic', args, { cwd: path.join(directory, 'source'), env: environment });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, keeper));
  return restic;
}

function daysAgo(days: number, hours = 0): Date {
  return new Date(NOON - days * DAY_MS - hours * 3_600_000);
}

async function momentsOf(...tags: readonly string[]): Promise<string[]> {
  return (await restic.snapshots(...tags)).map(({ time }) => time.toISOString());
}

const good = [FULL, VERIFIED];

describe('which backups are kept', () => {
  it('all of a week, the last of each of 30 days and of each of 12 months, and no logs older than a week', async () => {
    const week = [daysAgo(0), daysAgo(0, 6), daysAgo(3), daysAgo(3, 6)];
    const days = Array.from({ length: 28 }, (_, index) => daysAgo(8 + index));
    const earlierThatDay = [daysAgo(8, 6), daysAgo(20, 6)];
    const months = [
      '2026-01',
      '2025-12',
      '2025-11',
      '2025-10',
      '2025-09',
      '2025-08',
      '2025-07',
      '2025-06',
      '2025-05',
      '2025-04',
      '2025-03',
      '2025-02',
    ];
    const monthly = months.map((month) => new Date(`${month}-15T12:00:00Z`));
    await repository('policy', [
      ...[...week, ...days, ...earlierThatDay, ...monthly].map((at) => ({ at, tags: good })),
      { at: daysAgo(9, 1), tags: [FULL, UNVERIFIED] },
      { at: daysAgo(1), tags: [LOGS] },
      { at: daysAgo(9), tags: [LOGS] },
    ]);
    expect((await prune(restic, daysAgo(0))).removed).toBeGreaterThan(5);
    // 30 days of backups are those of the week, two of them, and the 28 before it; 12 months are March, February and ten more.
    const kept = [...week, ...days, ...monthly.slice(0, 10)].map((at) => at.toISOString());
    expect(await momentsOf(FULL)).toEqual(kept.toSorted());
    expect(await momentsOf(LOGS)).toEqual([daysAgo(1).toISOString()]);
    expect(await prune(restic, daysAgo(0))).toEqual({ removed: 0, reason: null });
  }, 300_000);

  it('all of them while the newest was not read back, however old the others are', async () => {
    await repository('unverified', [
      ...[400, 400.1, 500].map((days) => ({ at: daysAgo(days), tags: good })),
      { at: daysAgo(0), tags: [FULL, UNVERIFIED] },
    ]);
    expect(await prune(restic, daysAgo(0))).toEqual({ removed: 0, reason: null });
    expect(await momentsOf(FULL)).toHaveLength(4);
  });

  it('all of them while one is dated after now, by which the others would be too old, and says which', async () => {
    await repository('ahead', [
      { at: daysAgo(400), tags: good },
      { at: daysAgo(401), tags: good },
      { at: daysAgo(-1), tags: good },
    ]);
    expect(await prune(restic, daysAgo(0))).toEqual({
      removed: 0,
      reason: expect.stringMatching(/dated 2026-04-01T12:00:00.*has not come/),
    });
    expect(await momentsOf(FULL)).toHaveLength(3);
  });

  it('in the order in which they came, when one was dated ahead: what comes next is dated after it', async () => {
    await repository('order', [{ at: daysAgo(-1), tags: good }]);
    const { snapshot } = await restic.keep(path.join(directory, 'source'), [FULL, UNVERIFIED], daysAgo(0));
    const renamed = await restic.retag(snapshot, VERIFIED, UNVERIFIED);
    expect((await restic.snapshots(FULL)).at(-1)?.id).toBe(renamed.id);
    expect([renamed.time.toISOString(), renamed.tags.toSorted()]).toEqual(['2026-04-01T12:00:01.000Z', ['billing', FULL, VERIFIED]]);
  });

  it('the last good one, even when everything is older than the policy keeps', async () => {
    await repository('alone', [{ at: daysAgo(4_000), tags: good }]);
    expect(await prune(restic, daysAgo(0))).toEqual({ removed: 0, reason: null });
    expect(await momentsOf(FULL)).toHaveLength(1);
  });
});

describe('a repository with another password', () => {
  it('says so, and not the password', async () => {
    const stranger = new Restic({ ...environmentOf(path.join(directory, 'alone')), RESTIC_PASSWORD: 'hunter2-hunter2' });
    const refusal = await stranger.snapshots(FULL).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BackupError);
    expect(String(refusal)).toMatch(/wrong password/);
    expect(String(refusal)).not.toContain('hunter2');
  });
});
