import { describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { findCardData, hasCardNumber, isForbiddenName } from '../../src/platform/card-data.js';

describe('a card number', () => {
  it.each([
    ['of Visa', '4111111111111111'],
    ['of Visa with 13 digits', '4222222222222'],
    ['of Visa with 19 digits', '4000000000000000006'],
    ['of Mastercard', '5555555555554444'],
    ["of Mastercard's new range", '2223003122003222'],
    ['of American Express', '378282246310005'],
    ['of Discover', '6011111111111117'],
    ['of Diners Club', '30569309025904'],
    ['of JCB', '3530111333300000'],
    ['of UnionPay', '6200000000000005'],
    ['of Maestro', '6759649826438453'],
    ['with blanks', '4111 1111 1111 1111'],
    ['with dashes', '4111-1111-1111-1111'],
    ['with dots', '4111.1111.1111.1111'],
    ['with underscores', '4111_1111_1111_1111'],
    ['with wide dashes and blanks that do not break', '4111\u2013\u00a01111\u00a01111\u00a01111'],
    ['with blanks of no width', '4111\u200b1111\u200b1111\u200b1111'],
    ['with a blank after each digit', '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'],
    ['in lines', '4111\n1111\r\n1111\t1111'],
    ['in Arabic digits', '٤١١١١١١١١١١١١١١١'],
    ['in Devanagari digits', '४१११ ११११ ११११ ११११'],
    ['in wide digits', '４１１１１１１１１１１１１１１１'],
    ['in bold digits of mathematics', '𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏'],
    ['in a sentence', 'paid with 4111111111111111, thanks'],
    ['after another number', 'order 12 4111 1111 1111 1111'],
    ['before another number', '4111 1111 1111 1111 12/31'],
    ['right after a word', 'VISA4111111111111111'],
    ['right after an underscore', 'card_4111111111111111'],
    ['in JSON', '{"n":"4111111111111111"}'],
    ['in brackets', 'x (4111111111111111) y'],
  ])('%s is found', (_, text) => {
    expect(hasCardNumber(text)).toBe(true);
  });

  it.each([
    ['with a wrong check digit', '4111111111111112'],
    ['of 12 digits', '411111111111'],
    ['of no network', '9999999999999995'],
    ['a moment in milliseconds', '1772366400000'],
    ['a moment in microseconds', '1772366400000000'],
    ['the largest safe integer', '9007199254740991'],
    ['a telephone number', '+4915112345678'],
    ['a UUID of digits', '41111111-1111-1111-1111-111111111111'],
    ['a signature', `t=1772366400000,v1=${'4111111111111111'.split('').join('a')}`],
    ['a date and time', '2026-03-01 12:00:00.000'],
    ['a list of amounts', '4111,1111,1111,1111'],
    ['words', 'four one one one'],
    ['nothing', ''],
  ])('is not seen in %s', (_, text) => {
    expect(hasCardNumber(text)).toBe(false);
  });

  it('is not seen in our own ids, of any moment', () => {
    const found = Array.from({ length: 20_000 }, (_, n) => `cus_${ulid(n * 86_400_000).toLowerCase()}`).filter(hasCardNumber);
    expect(found).toEqual([]);
  });

  it('is not seen where its digits are part of a longer identifier', () => {
    expect(hasCardNumber('01k4111111111111111zq')).toBe(false);
  });
});

describe('a name of card or bank data', () => {
  it.each([
    'card_number',
    'cardNumber',
    'CARD-NUMBER',
    'Card Number',
    'cvv',
    'CVV2',
    'cvc',
    'accountNumber',
    'account_number',
    'routing_number',
  ])('is known as %s', (name) => expect(isForbiddenName(name)).toBe(true));
  it.each(['track1', 'track_data', 'PAN', 'exp_month', 'expYear', 'expiry', 'iban', 'c.v.v'])('is known as %s', (name) =>
    expect(isForbiddenName(name)).toBe(true));
  it.each([
    'last4',
    'name',
    'customerId',
    'number',
    'account',
    'tracking',
    'panel',
    'company',
    'code',
    'invoiceNumber',
    '',
  ])('is not %s', (name) => expect(isForbiddenName(name)).toBe(false));
});

describe('a value', () => {
  it.each([
    ['a name', { metadata: { cvv: '123' } }, 'forbidden_name', ['metadata', 'cvv']],
    ['a name in two steps', { card: { number: 'x' } }, 'forbidden_name', ['card', 'number']],
    ['a number in a list', { a: [1, ['4111111111111111']] }, 'card_number', ['a']],
    ['a number that is no text', { amount: 4111111111111111 }, 'card_number', ['amount']],
    ['a number for a name', { '4111111111111111': 'x' }, 'card_number', ['*']],
    ['a name in JSON in a text', { note: '{"cardNumber": "1"}' }, 'forbidden_name', ['note']],
    ['a name and a value in a sentence', { note: 'the CVV: 123' }, 'forbidden_name', ['note']],
    ['an account in a sentence', { note: 'account number = 12345678' }, 'forbidden_name', ['note']],
  ])('with %s is refused by its place, which repeats nothing', (_, value, kind, path) => {
    expect(findCardData(value)).toEqual({ kind, path });
  });

  it.each([
    [{ amount: { amountMinor: 99_999_999 }, at: 1_772_366_400_000, email: 'ann@example.com', flag: true, none: null }],
    [{ note: 'the CVV was right, ends in 1111; order: 12' }],
    [{ note: 'ratio 1:2, total = 3' }],
  ])('without any is none: %j', (value) => {
    expect(findCardData(value)).toBeNull();
  });

  it('that is nested 100,000 deep is read to the end', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}"4111111111111111"${']'.repeat(100_000)}`) as unknown;
    expect(findCardData(deep)).toMatchObject({ kind: 'card_number' });
  });
});
