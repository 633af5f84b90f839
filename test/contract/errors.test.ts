import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { isEnumType } from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { UserErrorCode } from '../../src/platform/errors.js';
import { TOP_LEVEL_CODES } from '../../src/platform/top-level-codes.js';

const type = (await composeSchema()).getType('UserErrorCode');
const userErrors = isEnumType(type) ? type.getValues() : [];

describe('docs/errors.md', () => {
  it('has every code there is, and no other', async () => {
    const listed = [...(await readFile('docs/errors.md', 'utf8')).matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(listed.toSorted()).toEqual([...Object.values(UserErrorCode), ...Object.keys(TOP_LEVEL_CODES)].toSorted());
  });

  it.each(
    userErrors.map(({ name, description }) => [name, description ?? '']),
  )('says about %s which key comes next, or none', (_, text) => {
    expect(text).toMatch(/\bkey\b/);
  });
});
