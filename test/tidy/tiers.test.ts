import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';

const PROJECT = path.join(import.meta.dirname, '../..');
const JEST = path.join(PROJECT, 'node_modules/jest/bin/jest.js');

let usual: readonly string[];
let long: readonly string[];
let fast: readonly string[];
let onCluster: readonly string[];

beforeAll(async () => {
  const cluster = { BILLING_TEST_GALERA_URL: 'mysql://nobody@localhost' };
  [usual, long, fast, onCluster] = await Promise.all([
    filesOf('usual'),
    filesOf('long'),
    filesOf('fast'),
    filesOf('long', cluster, ['--selectProjects', 'galera']),
  ]);
});

describe('every test file', () => {
  it('is in `npm test` or in `npm run test:long`', async () => {
    const files = globSync('test/**/*.test.ts', { cwd: PROJECT }).map((file) => file.replaceAll(path.sep, '/'));
    const missing = await patternsOfMissingPrograms();
    const runnable = files.filter((file) => !missing.some((pattern) => file.includes(pattern)));
    expect([...usual, ...long].sort()).toEqual(runnable.sort());
  });

  it('is in one of them only', () => {
    expect(long.filter((file) => usual.includes(file))).toEqual([]);
  });

  it('of `npm run test:fast` is in `npm test` too', () => {
    expect(fast.length).toBeGreaterThan(10);
    expect(fast.filter((file) => !usual.includes(file))).toEqual([]);
  });

  it('that runs on a cluster runs on one server too, and makes no cluster of its own', () => {
    expect(onCluster.length).toBeGreaterThan(10);
    expect(onCluster.filter((file) => ![...usual, ...long].includes(file) || file.includes('.galera.'))).toEqual([]);
  });
});

/** What jest would run in this tier, from the project's root. */
async function filesOf(tier: string, more: Readonly<Record<string, string>> = {}, jestArgs: readonly string[] = []): Promise<string[]> {
  const args = ['--experimental-vm-modules', '--no-warnings', JEST, '--listTests', '--json', ...jestArgs];
  const { BILLING_TEST_GALERA_URL: _, ...inherited } = process.env;
  const env = { ...inherited, ...more, BILLING_TEST_TIER: tier };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PROJECT, env });
  return (JSON.parse(stdout) as string[]).map((file) => path.relative(PROJECT, file).replaceAll(path.sep, '/'));
}

async function patternsOfMissingPrograms(): Promise<string[]> {
  const { missingTests } = (await import(path.join(PROJECT, 'test/support/programs.mjs'))) as { missingTests: () => string[] };
  return missingTests();
}
