import creditCardType from 'credit-card-type';
import { isLuhnValid } from './check-digit.js';
import { ibansIn } from './iban.js';

/** Where in a text something stands: from its first sign to before its end. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The networks' first digits and lengths, each `[lowest, highest]` of as many digits as its lowest has. */
const NETWORKS = Object.values(creditCardType.types).map((name) => {
  const { patterns, lengths } = creditCardType.getTypeInfo(name);
  const ranges = patterns.map((pattern) => {
    const [lowest = 0, highest = lowest] = [pattern].flat();
    return { lowest, highest, width: String(lowest).length };
  });
  return { name, lengths, ranges };
});
const LENGTHS = NETWORKS.flatMap(({ lengths }) => lengths);
const DIGITS_MIN = Math.min(...LENGTHS);
const DIGITS_MAX = Math.max(...LENGTHS);
/** A telephone number with its country has no more digits (E.164). */
const PHONE_DIGITS_MAX = 15;

/** How many signs may stand between two groups of one number. */
const GAP_MAX = 10;
const SEPARATOR = /[\s\p{Z}\p{Cc}\p{Cf}\p{M}\p{Pd}._,*'~/\\|]|[^\0-\x7f]/u;
const SEPARATES = Array.from({ length: 128 }, (_, code) => SEPARATOR.test(String.fromCharCode(code)));
const SEPARATES_BEYOND_ASCII = /[\p{Z}\p{Cc}\p{Cf}\p{M}\p{P}]/u;
/** Commas make lists: of a list of numbers only all together can be one. */
const MAKES_LIST = /[,\u060c\u3001]/;
/** How cards' digits are printed in groups. Numbers in a longer row are looked for in these. */
const SHAPES = [
  [4, 4, 4, 4],
  [4, 4, 4, 4, 2],
  [4, 4, 4, 4, 3],
  [4, 6, 5],
  [4, 6, 4],
  [8, 8],
  [6, 13],
] as const;

/** Letters right before or after digits make them part of an identifier, unless they speak of a card. */
const SPEAKS_OF_CARD_BEFORE =
  /(?:visa|master|mastercard|maestro|amex|express|discover|diners|jcb|unionpay|rupay|card|karte|kaart|carte|tarjeta|pan|cc|ccn|%b|\\[bfnrtv])$/i;
const SPEAKS_OF_CARD_AFTER = /^(?:visa|master|maestro|amex|discover|diners|jcb|cv[cv]|exp)/i;
const WORD_MAX = 20;

const UUID = /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi;
/** No UUID or IBAN is longer, with the blanks between its groups. */
const IDENTIFIER_MAX = 42;
const NOT_ASCII = /[^\0-\x7f]/;
const NUMERALS = /[\p{N}\uff01-\uff5e]+/gu;
const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;

/** Whether a number of a card stands alone in a text, in digits of any script, plain or in groups. */
export function hasCardNumber(text: string): boolean {
  return text.length >= DIGITS_MIN && cardNumbersIn(readable(text)).next().done === false;
}

/** Whether digits have the length, the first digits and the check digit of a card's number. */
function isCardNumber(digits: string): boolean {
  return isLuhnValid(digits) && NETWORKS.some((network) => isOf(network, digits));
}

/** Whether digits have a length and first digits of UnionPay, of whose cards some have no check digit. */
export function isOfUnionPay(digits: string): boolean {
  return NETWORKS.some((network) => network.name === 'unionpay' && isOf(network, digits));
}

/** The text with numerals and wide signs in their plain forms (NFKC), and the digits of every script as 0 to 9. */
export function readable(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  // Only these: other signs may become eighteen, and say nothing of numbers.
  return text.replace(NUMERALS, (numerals) => numerals.normalize('NFKC').replace(FOREIGN_DIGIT, asciiDigit));
}

/** Digits of other scripts that were seen: there are some seven hundred. */
const SEEN_DIGITS = new Map<string, string>();

function asciiDigit(digit: string): string {
  const seen = SEEN_DIGITS.get(digit) ?? numeralOf(digit);
  SEEN_DIGITS.set(digit, seen);
  return seen;
}

/** Each script has its ten digits in a row, the zero first. */
function numeralOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}

/** Groups of digits that separators join: where each begins, where it ends, and how many digits there are in all. */
interface Row {
  readonly starts: number[];
  readonly ends: number[];
  digits: number;
}

/** Where card numbers stand in a text that is `readable`. Takes time in proportion to its length. */
export function* cardNumbersIn(text: string): Generator<Span> {
  let row: Row = { starts: [], ends: [], digits: 0 };
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text, at)) continue;
    const start = at;
    while (isDigit(text, at + 1)) at += 1;
    if (row.digits > 0 && !isGap(text, row.ends.at(-1) ?? 0, start)) {
      if (row.digits >= DIGITS_MIN) yield* inRow(text, row);
      row = { starts: [], ends: [], digits: 0 };
    }
    row.starts.push(start);
    row.ends.push(at + 1);
    row.digits += at + 1 - start;
  }
  if (row.digits >= DIGITS_MIN) yield* inRow(text, row);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isGap(text: string, start: number, end: number): boolean {
  if (end - start > GAP_MAX) return false;
  for (let at = start; at < end; at += 1) {
    if (!(SEPARATES[text.charCodeAt(at)] ?? SEPARATES_BEYOND_ASCII.test(text.charAt(at)))) return false;
  }
  return true;
}

/** All digits of a row may be one number, in whatever groups; or some of its groups, if they are those of a card. */
function* inRow(text: string, row: Row): Generator<Span> {
  const { starts, ends, digits } = row;
  const [start = 0, end = 0] = [starts[0], ends.at(-1)];
  if (digits <= PHONE_DIGITS_MAX && text[start - 1] === '+') return;
  const first = isBoundBefore(text, start) ? 1 : 0;
  const beyond = isBoundAfter(text, end) ? starts.length - 1 : starts.length;
  if (digits <= DIGITS_MAX && beyond - first === starts.length && isCard(text, row, 0, beyond)) {
    yield { start, end };
    return;
  }
  for (let at = first; at < beyond; at += 1) {
    const taken = cardAt(text, row, at, beyond);
    if (taken === 0) continue;
    yield { start: starts[at] ?? 0, end: ends[at + taken - 1] ?? 0 };
    at += taken - 1;
  }
}

/** How many groups from this one on are a card's number; 0: none. */
function cardAt(text: string, row: Row, at: number, beyond: number): number {
  const sizeAt = (group: number) => (row.ends[group] ?? 0) - (row.starts[group] ?? 0);
  const size = sizeAt(at);
  if (size >= DIGITS_MIN) return size <= DIGITS_MAX && isCard(text, row, at, at + 1) ? 1 : 0;
  for (const shape of SHAPES) {
    if (shape[0] !== size || at + shape.length > beyond || shape.some((expected, index) => sizeAt(at + index) !== expected)) continue;
    const isList = MAKES_LIST.test(text.slice(row.starts[at], row.ends[at + shape.length - 1]));
    if (!isList && isCard(text, row, at, at + shape.length)) return shape.length;
  }
  return 0;
}

/** Whether these groups are a card's number, and no UUID or IBAN of which they are a part. */
function isCard(text: string, { starts, ends }: Row, from: number, to: number): boolean {
  const groups = starts.slice(from, to).map((start, index) => text.slice(start, ends[from + index]));
  if (!isCardNumber(groups.join(''))) return false;
  const [start = 0, end = 0] = [starts[from], ends[to - 1]];
  const before = Math.max(0, start - IDENTIFIER_MAX);
  const around = text.slice(before, end + IDENTIFIER_MAX);
  return ![...around.matchAll(UUID), ...ibansIn(around)].some(
    ({ index, 0: { length } }) => before + index < end && start < before + index + length,
  );
}

function isBoundBefore(text: string, start: number): boolean {
  return /[a-z]/i.test(text.charAt(start - 1)) && !SPEAKS_OF_CARD_BEFORE.test(text.slice(Math.max(0, start - WORD_MAX), start));
}

function isBoundAfter(text: string, end: number): boolean {
  return /[a-z]/i.test(text.charAt(end)) && !SPEAKS_OF_CARD_AFTER.test(text.slice(end, end + WORD_MAX));
}

function isOf({ lengths, ranges }: (typeof NETWORKS)[number], digits: string): boolean {
  if (!lengths.includes(digits.length)) return false;
  return ranges.some(({ lowest, highest, width }) => {
    const first = Number(digits.slice(0, width));
    return first >= lowest && first <= highest;
  });
}
