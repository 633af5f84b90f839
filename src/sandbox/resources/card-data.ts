import { isLuhnValid } from '../../platform/check-digit.js';
import type {
  TilledAchDetails,
  TilledBillingDetails,
  TilledCardCheck,
  TilledCardDetails,
  TilledDeclineCode,
  TilledEftDetails,
} from '../../tilled/tilled.shapes.js';
import type { Fields } from '../fields.js';

// The only place that sees a card or account number. Only what Tilled tells leaves it: brand and last digits.

/** What is kept of a card. Adds to the problems of the fields when it is none; an expiry before `nowMs` is one. */
export function cardDetails(fields: Fields, billing: TilledBillingDetails | null, nowMs: number): TilledCardDetails {
  const number = fields.requiredText('number', { pattern: /^\d(?:[ -]?\d){11,18}$/, form: 'a card number' }).replace(/\D/g, '');
  if (number !== '' && !isLuhnValid(number)) fields.refuse('number is not a card number: its check digit is another');
  const expMonth = fields.requiredInteger('exp_month', { min: 1, max: 12 });
  const expYear = fields.requiredInteger('exp_year', { min: 2000, max: 2099 });
  const brand = brandOf(number);
  const cvcLength = brand === 'amex' ? 4 : 3;
  const cvc = fields.text('cvc', { pattern: new RegExp(`^\\d{${cvcLength}}$`), form: `a CVC of ${cvcLength} digits` });
  if (expMonth > 0 && expYear > 0 && isExpired(expMonth, expYear, nowMs)) fields.refuse('the card has expired');
  return {
    apple_pay: false,
    brand,
    funding: DEBIT_NUMBERS.has(number) ? 'debit' : 'credit',
    last4: number.slice(-4),
    exp_month: expMonth,
    exp_year: expYear,
    holder_name: billing?.name ?? null,
    checks: { ...addressChecks(billing), cvc_check: cvcCheck(cvc ?? undefined) },
  };
}

/** What is kept of a US bank account. */
export function achDetails(fields: Fields): TilledAchDetails {
  fields.requiredText('account_holder_name', { min: 1, max: 22 });
  const accountNumber = fields.requiredText('account_number', { pattern: /^\d{4,17}$/, form: 'an account number of 4 to 17 digits' });
  const accountType = fields.requiredOneOf('account_type', ['checking', 'savings']);
  const routingNumber = fields.requiredText('routing_number', { pattern: /^\d{9}$/, form: 'a routing number of 9 digits' });
  if (routingNumber !== '' && !isRoutingNumber(routingNumber)) fields.refuse('routing_number is none of a US bank');
  return {
    account_type: accountType,
    bank_name: US_BANKS[routingNumber] ?? null,
    last2: accountNumber.slice(-2),
    routing_number: routingNumber,
  };
}

/**
 * Whether nine digits can be a routing number: a district of the Federal Reserve in front, the check digit at the end.
 * Libraries have one of the two rules each.
 */
export function isRoutingNumber(digits: string): boolean {
  const district = Number(digits.slice(0, 2));
  const isDistrict = DISTRICTS.some(([lowest, highest]) => district >= lowest && district <= highest);
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (WEIGHTS[index % 3] ?? 0), 0);
  return isDistrict && sum > 0 && sum % 10 === 0;
}

/** Banks, thrift institutions, electronic transactions, traveller's cheques. */
const DISTRICTS: readonly (readonly [number, number])[] = [
  [0, 12],
  [21, 32],
  [61, 72],
  [80, 80],
];
const WEIGHTS = [3, 7, 1];

/** What is kept of a Canadian bank account. */
export function eftDetails(fields: Fields): TilledEftDetails {
  fields.requiredText('account_holder_name', { min: 1, max: 22 });
  const accountNumber = fields.requiredText('account_number', { pattern: /^\d{4,12}$/, form: 'an account number of 4 to 12 digits' });
  const institution = fields.requiredText('institution_id', { pattern: /^\d{3}$/, form: 'an institution id of 3 digits' });
  const transit = fields.requiredText('transit_number', { pattern: /^\d{5}$/, form: 'a transit number of 5 digits' });
  return {
    bank_name: CANADIAN_BANKS[institution] ?? null,
    institution_id: institution,
    last2: accountNumber.slice(-2),
    transit_number: transit,
  };
}

/** Whether a card's last month is over. */
export function isExpired(expMonth: number, expYear: number, nowMs: number): boolean {
  return Date.UTC(expYear, expMonth, 1) <= nowMs;
}

/** Why a card payment of this amount is declined; undefined if approved. Known: the sandbox's magic amounts. */
export function declineOfAmount(amount: number): TilledDeclineCode | undefined {
  return MAGIC_DECLINES[amount - 777_700];
}

/** The amount that is approved and then disputed. */
export const DISPUTED_AMOUNT = 777_799;

const MAGIC_DECLINES: (TilledDeclineCode | undefined)[] = [
  undefined,
  'insufficient_funds',
  'avs_check_failed',
  'generic_decline',
  'call_issuer',
  'expired_card',
  'pickup_card',
  'invalid_number',
  'limit_exceeded',
  'not_permitted',
  'incorrect_cvc',
  'service_not_allowed',
  'invalid_expiry',
  'card_not_supported',
  'restricted_card',
  'fraudulent',
  'processing_error',
];

const DEBIT_NUMBERS = new Set(['4900770000000001']);

const US_BANKS: Record<string, string> = {
  '011103093': 'TD BANK CONNECTICUT',
  '067014822': 'TD BANK FLORIDA',
  '011000138': 'BANK OF AMERICA',
  '021101108': 'WELLS FARGO BANK',
  '021004823': 'HSBC BANK USA',
};

const CANADIAN_BANKS: Record<string, string> = {
  '001': 'Bank of Montreal',
  '002': 'The Bank of Nova Scotia',
  '003': 'Royal Bank of Canada',
  '004': 'The Toronto-Dominion Bank',
  '006': 'National Bank of Canada',
};

const BRANDS: [RegExp, NonNullable<TilledCardDetails['brand']>][] = [
  [/^4/, 'visa'],
  [/^(5[1-5]|2[2-7])/, 'mastercard'],
  [/^3[47]/, 'amex'],
  [/^(6011|64[4-9]|65)/, 'discover'],
  [/^(30[0-5]|36|38|39)/, 'diners'],
  [/^35/, 'jcb'],
  [/^(50|5[6-9]|6)/, 'maestro'],
];

function brandOf(number: string): NonNullable<TilledCardDetails['brand']> {
  return BRANDS.find(([pattern]) => pattern.test(number))?.[1] ?? 'unknown';
}

/** Known: the first letter of the street, followed by a space, decides; otherwise an address passes. */
function addressChecks(billing: TilledBillingDetails | null): {
  address_line1_check: TilledCardCheck;
  address_postal_code_check: TilledCardCheck;
} {
  const address = billing?.address;
  const letter = /^([XAZNU]) /.exec(address?.street ?? '')?.[1];
  const decided = letter === undefined ? undefined : AVS_BY_LETTER[letter];
  if (decided !== undefined) return { address_line1_check: decided[0], address_postal_code_check: decided[1] };
  return {
    address_line1_check: address?.street ? 'pass' : 'unchecked',
    address_postal_code_check: address?.zip ? 'pass' : 'unchecked',
  };
}

const AVS_BY_LETTER: Record<string, [TilledCardCheck, TilledCardCheck]> = {
  X: ['pass', 'pass'],
  A: ['pass', 'fail'],
  Z: ['fail', 'pass'],
  N: ['fail', 'fail'],
  U: ['unavailable', 'unavailable'],
};

/** Our assumption: 999 fails, any other code passes. A failed check alone declines nothing. */
function cvcCheck(cvc: string | undefined): TilledCardCheck {
  if (cvc === undefined) return 'unchecked';
  return cvc === '999' ? 'fail' : 'pass';
}
