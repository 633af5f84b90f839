import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { MUTANTS } from '../mutants/mutants.mjs';

const PROJECT = path.resolve(import.meta.dirname, '../..');

it.each(MUTANTS)('the fault "$name" can still be planted: its line is once in $file', ({ file, from }) => {
  const text = readFileSync(path.join(PROJECT, file), 'utf8');
  expect(text.split(from)).toHaveLength(2);
});
