import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RELEASE_BEFORE } from '../support/release-before.mjs';

const PROJECT = path.join(import.meta.dirname, '../..');
const PARTS = [
  ...['test/support/programs.mjs', 'test/support/galera-cluster.mjs', 'test/support/release-before.mjs', 'test/support/older-node.mjs'],
  'test/upgrade/release-before.json',
];

describe('a copy of the project without its history', () => {
  let copy: string;

  beforeAll(async () => {
    copy = await mkdtemp(path.join(tmpdir(), 'bg_test_copy_'));
    for (const part of PARTS) await cp(path.join(PROJECT, part), path.join(copy, part));
  });
  afterAll(() => rm(copy, { recursive: true }));

  it('leaves out the tests with the release before, and says so and how to get it', async () => {
    const { missingTests, describeMissing } = (await import(path.join(copy, 'test/support/programs.mjs'))) as {
      missingTests(): string[];
      describeMissing(): string[];
    };
    expect(missingTests()).toContain('.upgrade.test.ts');
    expect(describeMissing().filter((line) => line.includes('.upgrade.test.ts'))).toEqual([
      `Left out, because this clone has not the release before (git fetch --depth=1 origin ${RELEASE_BEFORE.commit}): .upgrade.test.ts`,
    ]);
  });
});
