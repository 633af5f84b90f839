import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isoOf } from '../../src/graphql/reads/iso-date.js';

describe('a moment as text', () => {
  it('is what toISOString says, for every date', () => {
    fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => isoOf(date) === date.toISOString()));
    for (const text of ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z', '2028-02-29T12:34:56.789Z'])
      expect(isoOf(new Date(text))).toBe(text);
  });

  it('is refused for what is no date, as toISOString does', () => {
    expect(() => isoOf(new Date(Number.NaN))).toThrow(RangeError);
  });
});
