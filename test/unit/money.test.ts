import { describe, expect, it } from '@jest/globals';
import { AMOUNT_MINOR_MAX, CURRENCIES, decimalOf, sumMinor } from '../../src/billing/money.js';

describe('decimalOf', () => {
  it.each([
    [1_990, 'usd', '19.90'],
    [5, 'usd', '0.05'],
    [50, 'cad', '0.50'],
    [0, 'usd', '0.00'],
    [100, 'eur', '1.00'],
    [-1_990, 'usd', '-19.90'],
    [-5, 'usd', '-0.05'],
    [1_990, 'jpy', '1990'],
    [0, 'jpy', '0'],
    [-7, 'jpy', '-7'],
    [AMOUNT_MINOR_MAX, 'usd', '999999.99'],
  ])('shows %d %s as %s', (amountMinor, currency, shown) => {
    expect(decimalOf(amountMinor, currency)).toBe(shown);
  });

  it('is exact up to the largest safe integer, where dividing by 100 is not', () => {
    expect(decimalOf(Number.MAX_SAFE_INTEGER, 'usd')).toBe('90071992547409.91');
    expect(decimalOf(Number.MIN_SAFE_INTEGER, 'usd')).toBe('-90071992547409.91');
  });

  it('never shows an exponent, and reads back to the same amount', () => {
    for (let amountMinor = 1; amountMinor < Number.MAX_SAFE_INTEGER; amountMinor = amountMinor * 7 + 3) {
      const shown = decimalOf(amountMinor, 'usd');
      expect(shown).toMatch(/^\d+\.\d\d$/);
      expect(BigInt(shown.replace('.', ''))).toBe(BigInt(amountMinor));
    }
  });
});

describe('money', () => {
  it('knows only lower-case ISO 4217 codes, each once', () => {
    expect(CURRENCIES.filter((code) => !/^[a-z]{3}$/.test(code))).toEqual([]);
    expect(new Set(CURRENCIES).size).toBe(CURRENCIES.length);
    expect(CURRENCIES).toEqual(expect.arrayContaining(['usd', 'cad', 'jpy']));
  });

  it('gives every currency the number of digits that ISO 4217 has for it', () => {
    for (const code of CURRENCIES) {
      const { maximumFractionDigits } = new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions();
      expect([code, decimalOf(1, code).split('.')[1]?.length ?? 0]).toEqual([code, maximumFractionDigits]);
    }
  });

  it('sums exactly where floating dollars would not', () => {
    expect(sumMinor([10, 20])).toBe(30);
    expect(sumMinor(Array.from({ length: 1_000 }, () => 1))).toBe(1_000);
    expect(sumMinor([])).toBe(0);
  });
});
