import { describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { findInDocument } from '../../src/http/card-data.document.js';
import { findCardData, withoutCardData } from '../../src/platform/card-data.js';
import { hasCardNumber } from '../../src/platform/card-number.js';
import { Samples } from '../support/card-samples.js';

const SAMPLES = 20_000;
const MASK = '[redacted]';

describe('a card number', () => {
  it.each([
    ['of Visa', '4111111111111111'],
    ['of Visa with 18 digits', '400000000000000002'],
    ['of Visa with 19 digits', '4000000000000000006'],
    ['of Mastercard', '5555555555554444'],
    ["of Mastercard's new range", '2223003122003222'],
    ['of American Express', '378282246310005'],
    ['of Discover', '6011111111111117'],
    ['of Diners Club', '30569309025904'],
    ['of JCB', '3530111333300000'],
    ['of UnionPay', '6200000000000005'],
    ['of UnionPay that begins with 81', '8171999927660000'],
    ['of Maestro', '6759649826438453'],
    ['of Maestro with 12 digits', '500000000009'],
    ['with blanks', '4111 1111 1111 1111'],
    ['with several blanks', '4111   1111   1111     1111'],
    ['with dashes', '4111-1111-1111-1111'],
    ['with dots', '4111.1111.1111.1111'],
    ['with commas', '4111,1111,1111,1111'],
    ['with commas and blanks', '4111, 1111, 1111, 1111'],
    ['with underscores', '4111_1111_1111_1111'],
    ['with wide dashes and blanks that do not break', '4111\u2013\u00a01111\u00a01111\u00a01111'],
    ['with blanks of no width', '4111\u200b1111\u200b1111\u200b1111'],
    ['with a blank after each digit', '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'],
    ['in groups of its own', '41-1111-11111-11-111'],
    ['in lines', '4111\n1111\r\n1111\t1111'],
    ['in Arabic digits', '٤١١١١١١١١١١١١١١١'],
    ['in Arabic digits with commas of that script', '٤١١١، ١١١١، ١١١١، ١١١١'],
    ['in Devanagari digits', '४१११ ११११ ११११ ११११'],
    ['in wide digits', '４１１１１１１１１１１１１１１１'],
    ['in bold digits of mathematics', '𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏'],
    ['in digits in circles, which are digits only once they are normalised', '④①①① ①①①① ①①①① ①①①①'],
    ['in raised digits', '⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹'],
    ['in a sentence', 'paid with 4111111111111111, thanks'],
    ['in a sentence of a script without blanks', '卡号4111111111111111谢谢'],
    ['after another number', 'order 12 4111 1111 1111 1111'],
    ['before another number', '4111 1111 1111 1111 12/31'],
    ['before its check digits', '4111-1111-1111-1111, 123'],
    ['in a track', '%B4111111111111111^LEE/ANN^2712101?'],
    ['in the other track', ';4111111111111111=27121010000000000000?'],
    ['right after the name of its network', 'VISA4111111111111111'],
    ['right after an underscore', 'card_4111111111111111'],
    ['in JSON', '{"n":"4111111111111111"}'],
    ['after an escape of JSON', String.raw`"card\n4111111111111111\n"`],
    ['in brackets', 'x (4111111111111111) y'],
    ['after a plus, which has too many digits for a telephone', '+4111111111111111'],
  ])('%s is found', (_, text) => {
    expect(hasCardNumber(text)).toBe(true);
  });

  it.each([
    ['with a wrong check digit', '4111111111111112'],
    ['of 11 digits', '41111111111'],
    ['of Visa with 13 digits, of which none are issued any more', '4222222222222'],
    ['of no network', '9999999999999995'],
    ['a moment in milliseconds', '1772366400000'],
    ['a moment in microseconds', '1772366400000000'],
    ['the largest safe integer', '9007199254740991'],
    ['a telephone number', '+4915112345678'],
    ['a telephone number of 12 digits that would fit Maestro', '+639171234567'],
    ['a UUID of digits', '41111111-1111-1111-1111-111111111111'],
    ['an IBAN in groups of four of which some would fit', 'DE92 5001 0517 5407 3249 37'],
    ['a signature', `t=1772366400000,v1=${'4111111111111111'.split('').join('a')}`],
    ['a date and time', '2026-03-01 12:00:00.000'],
    ['a list of numbers of four digits that goes on', '4111, 1111, 1111, 1111, 1200, 1300'],
    ['a list of seats', 'seats 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52'],
    ['an order number with letters right before its digits', 'ORD4111111111111111'],
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

describe('of generated values', () => {
  it('no harmless one of 20,000 is refused, as a value, a key or under a name, nor changed in a log', () => {
    const samples = new Samples();
    const values = Array.from({ length: SAMPLES }, () => samples.harmless());
    const refused = values.filter(
      (value) => findCardData({ note: value, [value]: 1, track: value, expiry: value }) !== null || withoutCardData(value, MASK) !== value,
    );
    expect([samples.seed, refused]).toEqual([samples.seed, []]);
  });

  it('no card number of 20,000 is let through, however it is written, nor left in a log', () => {
    const samples = new Samples();
    const cards = Array.from({ length: SAMPLES }, () => samples.cardNumber());
    const letThrough = cards.filter(
      ({ written }) =>
        findCardData({ note: written })?.kind !== 'card_number' ||
        findCardData({ [written]: 1 })?.kind !== 'card_number' ||
        /\p{Nd}/u.test(withoutCardData(written, MASK)),
    );
    expect([samples.seed, letThrough]).toEqual([samples.seed, []]);
  });
});

describe('a value', () => {
  it.each([
    ['a security code under its name', { metadata: { cvv: '123' } }, 'security_code', ['metadata', 'cvv']],
    ['a security code that is a number', { card: { customer_cvc: 1234 } }, 'security_code', ['card', 'customer_cvc']],
    ['a name in two steps', { card: { code: '123' } }, 'security_code', ['card', 'code']],
    ['a card number in a list', { a: [1, ['4111111111111111']] }, 'card_number', ['a']],
    ['a card number that is no text', { amount: 4111111111111111 }, 'card_number', ['amount']],
    ['a card number for a name', { '4111111111111111': 'x' }, 'card_number', ['*']],
    [
      'a number of UnionPay without check digit that is called a card number',
      { cardNumber: '6200000000000001' },
      'card_number',
      ['cardNumber'],
    ],
    ['a name in JSON in a text', { note: '{"cardCvc": "123"}' }, 'security_code', ['note']],
    ['a name and its digits in a sentence', { note: 'the CVV: 123, thanks' }, 'security_code', ['note']],
    ['the expiry of a card', { card: { expiry: '12/27' } }, 'card_expiry', ['card', 'expiry']],
    ['the routing number of a bank', { routing_number: '021000021' }, 'bank_account', ['routing_number']],
    ['the account at a bank in a sentence', { note: 'bank account number = 12345678' }, 'bank_account', ['note']],
    ['an IBAN that is called one', { iban: 'DE89 3704 0044 0532 0130 00' }, 'bank_account', ['iban']],
  ])('with %s is refused by its place, which repeats nothing', (_, value, kind, path) => {
    expect(findCardData(value)).toEqual({ kind, path });
  });

  it.each([
    [{ amount: { amountMinor: 99_999_999 }, at: 1_772_366_400_000, email: 'ann@example.com', flag: true, none: null }],
    [{ note: 'the CVV was right, ends in 1111; order: 12' }],
    [{ note: 'ratio 1:2, total = 3' }],
    [{ description: ['Frying pan: 28 cm', 'Race track: 3 laps', 'Voucher, expiry: 2027', 'Pan = 24', 'Voucher, expiry: 12/27'] }],
    [{ metadata: { track: '3', expiry: '2027', pan: '24', account_number: '4711-12345678', exp_month: '12', exp_year: 2027 } }],
    [{ 'Card CVC Status': 'pass', 'Card Number': '4242', 'Account Number': '000123456789', 'PIN Code': '560001', iin: '424242' }],
    [{ card_number: 'x', cvv: '', cvc: 'pass', routing_number: '123', iban: 'on file' }],
    [{ iban_digits: 'IBAN: DE00 0000', routing: '123456789' }],
  ])('without any is none: %j', (value) => {
    expect(findCardData(value)).toBeNull();
  });

  it('that is nested 100,000 deep is read to the end', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}"4111111111111111"${']'.repeat(100_000)}`) as unknown;
    expect(findCardData(deep)).toMatchObject({ kind: 'card_number' });
  });
});

describe('a GraphQL document', () => {
  it.each([
    ['an escape in a literal', String.raw`{ a(note: "\u0034111111111111111") { id } }`, 'card_number'],
    ['an escape of any length', String.raw`{ a(note: "\u{34}111 1111 \u{00031}111 1111") { id } }`, 'card_number'],
    ['a block string', '{ a(note: """4111\n    1111\n    1111 1111""") { id } }', 'card_number'],
    ['a default', String.raw`query($note: String = "411111\u0031111111111") { a(note: $note) { id } }`, 'card_number'],
    ['a key', '{ a(note: { _4111111111111111: 1 }) { id } }', 'card_number'],
    ['an alias with letters before the digits', '{ n4111111111111111: a { id } }', 'card_number'],
    ['a number', '{ a(amount: 4111111111111111) { id } }', 'card_number'],
    ['a comment', '{ a { id } } # 4111 1111 1111 1111', 'card_number'],
    ['what follows a fault', '{ a(note: "\\x4") 4111-1111-1111-1111', 'card_number'],
    ['a security code in an argument', '{ a(cvc: 123) { id } }', 'security_code'],
    ['a security code two steps down', String.raw`{ a(card: { code: "\u0031\u00323" }) { id } }`, 'security_code'],
  ])('with card data as %s is refused', (_, document, kind) => {
    expect(findInDocument(document)).toBe(kind);
  });

  it.each([
    ['names alone', 'query($cardNumber: ID!, $cvc: ID) { a(pan: $cardNumber, expiry: 12, track: "3") { cvc } }'],
    ['aliases made of ids', Array.from({ length: 500 }, (_, n) => `a_${ulid(n * 1e9)}: a(id: "cus_${ulid(n)}") { id }`).join()],
  ])('with %s is not', (_, document) => {
    expect(findInDocument(document)).toBeNull();
  });
});

describe('reading takes time in proportion to what is read, for 1 MB of', () => {
  const SIZE = 1_000_000;
  const fill = (piece: string) => piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE);
  it.each([
    ['digits', fill('4')],
    ['digits and blanks', fill('4 ')],
    ['groups like those of cards', fill('4111 1111 1111 1112 ')],
    ['lists', fill('4111,')],
    ['names', fill('card card card_')],
    ['names and signs', fill('cvc:=')],
    ['letters like those of an IBAN', fill('DE89 ABCD ')],
    ['dashes', fill('12345678-1234-')],
    ['signs of other scripts', fill('٤ ①')],
    ['what becomes longer when it is normalised', fill('\ufdfa')],
  ])('%s', (_, text) => {
    const started = process.cpuUsage();
    findCardData({ note: text });
    const { user } = process.cpuUsage(started);
    expect(user / 1000).toBeLessThan(1_500);
    expect(findCardData({ note: `${text}# 5555555555554444` })).toMatchObject({ kind: 'card_number' });
  });

  it('a hundred thousand small values', () => {
    const values = Array.from({ length: 50_000 }, (_, index) => ({ cvc: `x${index}`, pan: index % 10 }));
    const started = process.cpuUsage();
    expect(findCardData(values)).toBeNull();
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1_500);
  });
});
