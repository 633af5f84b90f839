import { describe, expect, it } from '@jest/globals';
import { parse } from 'graphql';
import { knownDocuments } from '../../src/graphql/reads/known-documents.js';

const document = (number: number, fields: number) => parse(`{ ${Array.from({ length: fields }, (_, n) => `a${number}_${n}`).join(' ')} }`);

describe('documents that were found valid', () => {
  it('are forgotten when those that came later weigh too much, but for those that are used', async () => {
    const store = knownDocuments();
    for (let number = 0; number < 100; number += 1) {
      await store.set(String(number), document(number, 3_900));
      expect(await store.get('0')).toBeDefined();
    }
    expect(await store.get('1')).toBeUndefined();
    expect(await store.get('50')).toBeUndefined();
    expect(await store.get('99')).toBeDefined();
  });

  it('are kept by the hundred where they are small', async () => {
    const store = knownDocuments();
    for (let number = 0; number < 500; number += 1) await store.set(String(number), document(number, 50));
    expect(await store.get('0')).toBeDefined();
  });

  it('weigh what their text weighs, though it may be one token', async () => {
    const store = knownDocuments();
    for (let number = 0; number < 100; number += 1) await store.set(String(number), parse(`{ a(b: "${'x'.repeat(900_000)}${number}") }`));
    expect(await store.get('0')).toBeUndefined();
  });
});
