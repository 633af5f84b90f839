import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isRoutingNumber } from '../../src/sandbox/resources/card-data.js';
import { Kit } from './kit.js';

describe('the sandbox', () => {
  let own: Kit;
  beforeAll(async () => {
    own = await Kit.openOwn();
  });
  afterAll(() => own.close());

  const make = async (body: object) => (await own.raw('POST', '/v1/payment-methods', { body })).status;
  const card = (number: string) => make({ type: 'card', card: { number, exp_month: 12, exp_year: 2031 } });
  const bank = (routing_number: string) =>
    make({
      type: 'ach_debit',
      ach_debit: { account_holder_name: 'Ada', account_number: '000123456789', account_type: 'checking', routing_number },
    });

  it.each([
    '4111111111111111',
    '4900770000000001',
    '5100400000000000',
    '6011234567890123',
    '370123456789017',
    '4037111111000000',
  ])('takes %s, a card of Tilled’s own tests, and not the same with another check digit', async (number) => {
    const last = (Number(number.at(-1)) + 1) % 10;
    expect([await card(number), await card(`${number.slice(0, -1)}${last}`)]).toEqual([201, 400]);
  });

  it.each(['011103093', '067014822', '011000138', '021101108', '021004823'])('takes %s, a bank of Tilled’s own tests', async (number) => {
    expect(await bank(number)).toBe(201);
  });

  it.each([
    ['021101109', 'its check digit'],
    ['000000000', 'anything but zeros'],
    ['500000005', 'a district: 50 is none'],
    ['990000000', 'a district: 99 is none, though the sum fits'],
    ['130000006', 'a district: 13 is none'],
  ])('takes no bank %s, which lacks %s', async (number) => {
    expect(await bank(number)).toBe(400);
  });
});

describe('a routing number', () => {
  it('has a district of banks, thrift institutions, electronic transactions or traveller’s cheques', () => {
    const withCheckDigit = (district: number) => {
      const front = `${String(district).padStart(2, '0')}12345`;
      return Array.from({ length: 100 }, (_, n) => front + String(n).padStart(2, '0')).filter(isRoutingNumber).length;
    };
    const districts = Array.from({ length: 100 }, (_, district) => district).filter((district) => withCheckDigit(district) > 0);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
    expect(districts).toEqual([...range(0, 12), ...range(21, 32), ...range(61, 72), 80]);
    // Of a hundred endings ten have the check digit.
    expect(withCheckDigit(2)).toBe(10);
  });
});
