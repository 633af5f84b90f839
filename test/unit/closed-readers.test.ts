import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { billing, inherited } from '../support/processes.js';

const BILLING = path.resolve(import.meta.dirname, '../../bin/billing.mjs');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_readers_'));
  await billing(['apps', 'create', 'shop', '--name', 'Shop', '--tilled-account', 'acct_shop'], { BILLING_DATA_DIR: directory });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs a command whose standard output, or error, nobody takes from the start. */
async function unread(args: readonly string[], stream: 'stdout' | 'stderr') {
  const child = spawn(process.execPath, [BILLING, ...args], { env: { ...inherited(), BILLING_DATA_DIR: directory } });
  child[stream].destroy();
  let words = '';
  child[stream === 'stdout' ? 'stderr' : 'stdout'].on('data', (text) => {
    words += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, words };
}

describe('a command of billing', () => {
  it.each([
    ['--help'],
    ['commands'],
    ['checklist'],
    ['apps', 'list'],
    ['keys', 'create', '--app', 'shop', '--role', 'service'],
    ['verify'],
  ])('ends as well when the reader of its answer went away: %s %s', async (...args) =>
    expect(await unread(args, 'stdout')).toEqual({ status: 0, words: '' }));

  it('ends as it would when nobody reads what went wrong', async () => {
    expect((await unread(['apps', 'create', 'shop', '--name', 'Shop', '--tilled-account', 'acct_shop'], 'stderr')).status).toBe(1);
  });

  it('does its work all the same when nobody reads the answer', async () => {
    await unread(['apps', 'create', 'second', '--name', 'Second', '--tilled-account', 'acct_other'], 'stdout');
    expect((await billing(['apps', 'list'], { BILLING_DATA_DIR: directory })).stdout).toContain('second');
  });

  it('says so, and fails, when its answer cannot be written for another reason', async () => {
    const command = `"$0" "${BILLING}" apps list >/dev/full`;
    const child = spawn('sh', ['-c', command, process.execPath], { env: { ...inherited(), BILLING_DATA_DIR: directory } });
    let words = '';
    child.stderr.on('data', (text) => {
      words += text;
    });
    const [status] = await once(child, 'close');
    expect([status, words]).toEqual([74, expect.stringMatching(/^What was to be printed could not be written: ENOSPC[^\n]*\n$/)]);
  });
});
