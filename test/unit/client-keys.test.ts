import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { ENDED } from '../../client/src/keys.js';

describe('the key of an intent', () => {
  it('is let go by the codes that docs/errors.md asks a new key for, and by no other', async () => {
    const [, section = ''] = /## In userErrors\n(.*?)\n## /s.exec(await readFile('docs/errors.md', 'utf8')) ?? [];
    const rows = [...section.matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map(([, code = '', meaning = '']) => ({ code, meaning }));
    expect(rows.length).toBeGreaterThan(15);
    // One that may, or must, be asked again with the same key keeps it: a second payment is worse than the same answer.
    const asking = rows.filter(({ meaning }) => /\ba new key\b/.test(meaning) && !/\bsame (key|input)\b|\bNever\b/.test(meaning));
    expect([...ENDED].toSorted()).toEqual(asking.map(({ code }) => code).toSorted());
  });
});
