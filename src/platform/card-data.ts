/** What was found: a number that is a card's, or a name that only card and bank data have. */
export type CardDataKind = 'card_number' | 'forbidden_name';

/** Where something was found, without a word of what: `variables.input.metadata`, names that are not plain as `*`. */
export interface CardDataFinding {
  readonly kind: CardDataKind;
  readonly path: readonly string[];
}

/** Lengths and first digits of the card networks' numbers, which tell a card together with the check digit. */
const CARD_NUMBERS: readonly RegExp[] = [
  /^4(?:\d{12}|\d{15}|\d{18})$/, // Visa
  /^(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}$/, // Mastercard
  /^3[47]\d{13}$/, // American Express
  /^(?:6011|64[4-9]\d|65\d\d)\d{12,15}$/, // Discover
  /^(?:30[0-5]|309|36|38|39)\d{11,17}$/, // Diners Club
  /^35(?:2[89]|[3-8]\d)\d{12,15}$/, // JCB
  /^(?:62|81)\d{14,17}$/, // UnionPay
  /^(?:220[0-4])\d{12}$/, // Mir
  /^(?:50|5[6-8]|6[0-9])\d{11,17}$/, // Maestro, RuPay
];
const BEGINS_LIKE_CARD = /[2-68]/;
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
/** Nobody writes so many groups of digits in a row: they are refused unread, because reading them takes long. */
const GROUPS_MAX = 400;
/** Longer texts are refused for their length, wherever they are taken. */
const NAMES_READ_MAX = 20_000;

/** Blanks, dashes, dots and the like that people put between the digits of a card, up to three at once. */
const SEPARATOR = String.raw`[\s\p{Pd}\p{Cf}._·•/\\|]`;
const DIGITS_APART = new RegExp(`[0-9]+(?:${SEPARATOR}{1,3}[0-9]+)*`, 'gu');
const MAY_HAVE_NUMBER = /\p{Nd}(?:[^\p{Nd}\p{L}]{0,3}\p{Nd}){12}/u;
const UUID = /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi;
const NOT_ASCII = /[^\0-\x7f]/;

/** Whether a text has a card number in it, however it is written. */
export function hasCardNumber(text: string): boolean {
  if (text.length < DIGITS_MIN || !MAY_HAVE_NUMBER.test(text)) return false;
  const plain = (NOT_ASCII.test(text) ? asciiDigits(text) : text).replace(UUID, 'uuid');
  for (const found of plain.matchAll(DIGITS_APART)) {
    if (found[0].length >= DIGITS_MIN && isCardAmong(found[0], surroundings(plain, found.index, found[0].length))) return true;
  }
  return false;
}

/** What stands before and after a row of digits in its text. */
interface Surroundings {
  /** Part of an identifier such as a ULID: letters with more digits beyond them. */
  readonly isIdBefore: boolean;
  readonly isIdAfter: boolean;
  /** A telephone number begins with a plus. */
  readonly isPhone: boolean;
}

function surroundings(text: string, start: number, length: number): Surroundings {
  const [before, after] = [text.slice(Math.max(0, start - 40), start), text.slice(start + length, start + length + 40)];
  return {
    isIdBefore: /[0-9][\p{L}_]+$/u.test(before),
    isIdAfter: /^[\p{L}_]+[0-9]/u.test(after),
    isPhone: before.endsWith('+'),
  };
}

/** Groups of digits in a row that make 13 to 19 together: a card number may have a neighbour on either side. */
function isCardAmong(row: string, around: Surroundings): boolean {
  const groups = row.split(/[^0-9]+/);
  if (groups.length > GROUPS_MAX) return true;
  const digits = groups.join('');
  const ends = new Uint8Array(digits.length + DIGITS_MAX + 1);
  let start = 0;
  for (const group of groups) {
    start += group.length;
    ends[start] = 1;
  }
  if (around.isIdAfter) ends[digits.length] = 0;
  start = 0;
  for (const [position, group] of groups.entries()) {
    const isRuledOut = position === 0 && (around.isPhone || around.isIdBefore);
    if (!isRuledOut && BEGINS_LIKE_CARD.test(digits[start] ?? '') && isCardAt(digits, start, ends)) return true;
    start += group.length;
  }
  return false;
}

function isCardAt(digits: string, start: number, ends: Uint8Array): boolean {
  for (let length = DIGITS_MIN; length <= DIGITS_MAX; length += 1) {
    if (ends[start + length] !== 1) continue;
    const candidate = digits.slice(start, start + length);
    if (isLuhnValid(candidate) && CARD_NUMBERS.some((network) => network.test(candidate))) return true;
  }
  return false;
}

function isLuhnValid(digits: string): boolean {
  let sum = 0;
  for (let position = 0; position < digits.length; position += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - position) - 48;
    const doubled = digit * 2;
    sum += position % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The text with the digits of every script as 0 to 9. */
function asciiDigits(text: string): string {
  const known = new Map<string, string>();
  return text.normalize('NFKC').replace(/\p{Nd}/gu, (digit) => {
    const value = known.get(digit) ?? asciiDigit(digit);
    known.set(digit, value);
    return value;
  });
}

/** Each script has its ten digits in a row, the zero first. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}

/** Names without digits, case and punctuation that only card and bank data have. */
const FORBIDDEN_NAMES = new Set(
  `pan cardnumber cardno cardnum ccnumber ccno ccnum creditcard creditcardnumber debitcard debitcardnumber paymentcardnumber
  primaryaccountnumber fullpan cvv cvc csc cardcvv cardcvc cvvcode cvccode securitycode cardsecuritycode cardcode cardverificationvalue
  cardverificationcode verificationvalue cardpin pinblock track trackdata trackone tracktwo magstripe magneticstripe expiry expirydate
  expiration expirationdate expirationmonth expirationyear expdate expmonth expyear cardexpiry cardexpiration cardexpmonth cardexpyear
  accountnumber accountno accountnum acctnumber acctno bankaccount bankaccountnumber bankaccountno routingnumber routingno bankrouting
  bankroutingnumber abarouting abanumber transitnumber institutionnumber iban sortcode`.split(/\s+/),
);
/** Where a value begins in running text: `"cvv": "123"`, `account number = 123`. */
const VALUE_BEGINS = /[:=][\s"'\\]{0,4}[0-9$]/g;
const WORDS_BEFORE = /([\p{L}][\p{L}\s_.-]*)[0-9]?["'\\\s]*$/u;

/** Whether a name, in any case and spelling, is one of card or bank data. */
export function isForbiddenName(name: string): boolean {
  return FORBIDDEN_NAMES.has(name.replace(/[^\p{L}]/gu, '').toLowerCase());
}

/** What of card or bank data a value has in it: JSON of any depth, its names, texts and numbers. Null: nothing. */
export function findCardData(value: unknown, path: readonly string[] = []): CardDataFinding | null {
  // Without recursion: what comes in may be nested deeper than our stack.
  const waiting: { readonly value: unknown; readonly path: readonly string[] }[] = [{ value, path }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const at = next.path;
    const kind = kindOfLeaf(next.value);
    if (kind !== null) return { kind, path: at };
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const [name, item] of Object.entries(next.value)) {
      const isPosition = Array.isArray(next.value);
      const inside = isPosition || at.length > PATH_MAX ? at : [...at, shownName(name)];
      const kind = isPosition ? null : kindOfName(name, at.at(-1) ?? '');
      if (kind !== null) return { kind, path: inside };
      waiting.push({ value: item, path: inside });
    }
  }
  return null;
}

const PATH_MAX = 6;
const NAME_LENGTH_MAX = 40;

function kindOfLeaf(value: unknown): CardDataKind | null {
  if (typeof value === 'number') return Number.isInteger(value) && hasCardNumber(String(value)) ? 'card_number' : null;
  if (typeof value !== 'string') return null;
  if (hasCardNumber(value)) return 'card_number';
  return namesValue(value) ? 'forbidden_name' : null;
}

function kindOfName(name: string, parent: string): CardDataKind | null {
  if (hasCardNumber(name)) return 'card_number';
  // { card: { number: … } } is cardNumber written in two steps.
  return isForbiddenName(name) || isForbiddenName(`${parent}${name}`) ? 'forbidden_name' : null;
}

function namesValue(text: string): boolean {
  if (text.length > NAMES_READ_MAX || !/[:=]/.test(text)) return false;
  for (const { index } of text.matchAll(VALUE_BEGINS)) {
    const [, named = ''] = WORDS_BEFORE.exec(text.slice(Math.max(0, index - NAME_LENGTH_MAX), index)) ?? [];
    const words = named.trim().split(/[\s_.-]+/);
    if (words.some((_, start) => isForbiddenName(words.slice(start).join('')))) return true;
  }
  return false;
}

/** A name as it may be shown and logged: what is not a plain word could be the very thing that was found. */
function shownName(name: string): string {
  return /^[A-Za-z_][A-Za-z_]{0,39}$/.test(name) ? name : '*';
}
