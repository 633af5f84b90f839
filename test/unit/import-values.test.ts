import { describe, expect, it } from '@jest/globals';
import { intervalOf, minorUnitsOf, momentOf } from '../../src/backoffice/imports/import.values.js';

describe('a price of a source', () => {
  it.each([
    ['19.90', 'usd', 'decimal-point', '1990'],
    ['19.9', 'USD', 'decimal-point', '1990'],
    ['19', 'usd', 'decimal-point', '1900'],
    ['0.05', 'usd', 'decimal-point', '5'],
    ['1,234.50', 'usd', 'decimal-point', '123450'],
    ['49.9000', 'usd', 'decimal-point', '4990'],
    ['1990', 'jpy', 'decimal-point', '1990'],
    ['1990.00', 'jpy', 'decimal-point', '1990'],
    ['19,90', 'eur', 'decimal-comma', '1990'],
    ['1.234,50', 'eur', 'decimal-comma', '123450'],
    ['1990', 'usd', 'minor', '1990'],
  ] as const)('%s %s as %s is %s minor units', (text, currency, format, minor) => {
    expect(minorUnitsOf(text, currency, format)).toBe(minor);
  });

  it.each([
    ['19.905', 'usd', 'decimal-point'],
    ['19.5', 'jpy', 'decimal-point'],
    ['19,90', 'usd', 'decimal-point'],
    ['19.90', 'eur', 'decimal-comma'],
    ['12,34.5', 'usd', 'decimal-point'],
    ['$19.90', 'usd', 'decimal-point'],
    ['-1.00', 'usd', 'decimal-point'],
    ['19.90', 'xyz', 'decimal-point'],
    ['19.90', '', 'decimal-point'],
    ['', 'usd', 'decimal-point'],
  ] as const)('%s %s as %s is none, and not rounded', (text, currency, format) => {
    expect(minorUnitsOf(text, currency, format)).toBeNull();
  });
});

describe('an interval of a source', () => {
  it.each([
    ['month', 'month', 1],
    ['months', 'month', 1],
    ['3 months', 'month', 3],
    ['3month', 'month', 3],
    ['Quarterly', 'month', 3],
    ['semi-annual', 'month', 6],
    ['annually', 'year', 1],
    ['2 weeks', 'week', 2],
  ])('%s is a %s, %i at a time', (text, unit, count) => {
    expect(intervalOf(text)).toEqual({ unit, count });
  });

  it.each(['day', 'biweekly', 'month 3', '', 'x'])('%s is none', (text) => {
    expect(intervalOf(text)).toBeNull();
  });
});

describe('a moment of a source', () => {
  it.each([
    ['2027-01-31T00:00:00+0000', 'zone', '2027-01-31T00:00:00+00:00'],
    ['2027-01-31T00:00:00-05', 'zone', '2027-01-31T00:00:00-05:00'],
    ['2027-01-31 01:47 UTC', 'zone', '2027-01-31T01:47:00Z'],
    ['2027-01-31T00:00:00.123Z', 'zone', '2027-01-31T00:00:00.123Z'],
    ['2027-01-31 01:47', 'utc', '2027-01-31T01:47:00Z'],
    ['1801353600', 'unix', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31', 'unix', '2027-01-31'],
    ['2027-01-31 01:47', 'zone', '2027-01-31 01:47'],
    ['31.01.2027', 'utc', '31.01.2027'],
  ] as const)('%s with format %s is %s', (text, format, moment) => {
    expect(momentOf(text, format)).toBe(moment);
  });
});
