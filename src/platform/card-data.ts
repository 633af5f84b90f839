import { cardNumbersIn, isOfUnionPay, readable, type Span } from './card-number.js';
import { isIban } from './iban.js';

/** What was found: the number of a card, or digits that follow a name which only card or bank data have. */
export const CARD_DATA_KINDS = ['card_number', 'security_code', 'card_expiry', 'bank_account'] as const;
export type CardDataKind = (typeof CARD_DATA_KINDS)[number];

/** Where something was found, without a word of what: `variables.input.metadata`, names that are not plain as `*`. */
export interface CardDataFinding {
  readonly kind: CardDataKind;
  readonly path: readonly string[];
}

/** The name of a value, after that of what it is in. */
export type Names = readonly [parent: string, name: string];

/** A name together with the digits that make it card or bank data; neither alone does. */
interface NamedDigits {
  readonly kind: CardDataKind;
  readonly name: string;
  /** Without groups that capture. */
  readonly digits: string;
  readonly fits?: (digits: string) => boolean;
}

const S = String.raw`[\s_.-]{0,2}`;
const CARD = `(?:card|cc|credit${S}card|debit${S}card|payment${S}card)`;
const NUMBER = '(?:number|num|no|nr)';
const NAMED: readonly NamedDigits[] = [
  {
    kind: 'security_code',
    name: `(?:(?:${CARD}${S})?cv[cv](?:${S}(?:code|${NUMBER}))?|${CARD}${S}(?:security${S}code|verification${S}(?:code|value|${NUMBER})|code|pin|csc|cid))`,
    digits: String.raw`\d{3,4}(?![\p{L}\d]|[.,/:-]\d)`,
  },
  {
    kind: 'card_expiry',
    name: `${CARD}${S}(?:exp|expiry|expires|expiration|valid${S}(?:thru|until|to))(?:${S}date)?`,
    digits: String.raw`(?:(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20)?\d\d|20\d\d\s?[/-]\s?(?:0[1-9]|1[0-2]))(?![\p{L}\d]|[/-]\d)`,
  },
  {
    kind: 'card_number',
    name: `(?:pan|primary${S}account${S}${NUMBER}|${CARD}${S}${NUMBER})`,
    digits: String.raw`\d(?:[\s-]{0,2}\d){13,18}(?!\d)`,
    // Some cards of UnionPay have no check digit: their numbers count as such only where a name says so.
    fits: (digits) => isOfUnionPay(digits.replace(/\D/g, '')),
  },
  { kind: 'bank_account', name: `routing(?:${S}${NUMBER})?`, digits: String.raw`\d{9}(?![\p{L}\d])`, fits: isRoutingNumber },
  { kind: 'bank_account', name: `bank${S}account(?:${S}${NUMBER})?`, digits: String.raw`\d{6,17}(?![\p{L}\d]|[.,/:-]\d)` },
  { kind: 'bank_account', name: `transit${S}${NUMBER}`, digits: String.raw`\d{5}(?![\p{L}\d]|[.,/:-]\d)` },
  { kind: 'bank_account', name: `institution${S}${NUMBER}`, digits: String.raw`\d{3}(?![\p{L}\d]|[.,/:-]\d)` },
  {
    kind: 'bank_account',
    name: 'iban',
    digits: String.raw`[a-z]{2}\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?![\p{L}\d])`,
    fits: isIban,
  },
];
const BETWEEN = String.raw`[\s"'\\]{0,4}`;
/** One pattern for all: each has a group of its own for its digits, the last of a match. */
const IN_TEXT = new RegExp(
  String.raw`(?<!\p{L})(?:${NAMED.map(({ name, digits }) => String.raw`${name}\d?${BETWEEN}[:=]${BETWEEN}(${digits})`).join('|')})`,
  'giu',
);
/** A name of a key in one of those patterns, as its last words. */
const NAMED_KEY = new RegExp(String.raw`(?<!\p{L})(?:${NAMED.map(({ name }) => name).join('|')})\d?$`, 'iu');
/** No value that follows a name is longer. */
const VALUE_LENGTH_MAX = 60;
const HAS_DIGIT = /[0-9]|[^\0-\x7f]/;
const NAMES_LENGTH_MAX = 100;

/** What of card or bank data a value has in it: JSON of any depth, its names, texts and numbers. Null: nothing. */
export function findCardData(value: unknown, path: readonly string[] = []): CardDataFinding | null {
  // Without recursion: what comes in may be nested deeper than our stack.
  const waiting: { readonly value: unknown; readonly path: readonly string[]; readonly names: Names }[] = [
    { value, path, names: ['', path.at(-1) ?? ''] },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value: at, path: where, names } = next;
    const kind = kindOfLeaf(at, names);
    if (kind !== null) return { kind, path: where };
    if (typeof at !== 'object' || at === null) continue;
    for (const [key, item] of Object.entries(at)) {
      if (Array.isArray(at)) {
        waiting.push({ value: item, path: where, names });
        continue;
      }
      const kind = kindIn(key);
      const inside = where.length > PATH_MAX ? where : [...where, shownName(key, kind)];
      if (kind !== null) return { kind, path: inside };
      waiting.push({ value: item, path: inside, names: [names[1], key] });
    }
  }
  return null;
}

const PATH_MAX = 6;

/** What of card or bank data a value has that stands under a name: `cvc` and `123`. Null: nothing. */
export function findNamed(names: Names, value: string): CardDataKind | null {
  return kindOfLeaf(value, names);
}

/** The text with card and bank data blotted out. */
export function withoutCardData(text: string, mask: string): string {
  const plain = readable(text);
  const spans = [...cardNumbersIn(plain), ...namedIn(plain)].toSorted((one, other) => one.start - other.start);
  if (spans.length === 0) return text;
  let clean = '';
  let from = 0;
  for (const { start, end } of spans) {
    if (end <= from) continue;
    clean += plain.slice(from, Math.max(from, start)) + mask;
    from = end;
  }
  return clean + plain.slice(from);
}

function kindOfLeaf(value: unknown, names: Names): CardDataKind | null {
  if (typeof value === 'number' && !Number.isInteger(value)) return null;
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const text = String(value);
  if (!HAS_DIGIT.test(text)) return null;
  const kind = kindIn(text);
  if (kind !== null || text.length > VALUE_LENGTH_MAX) return kind;
  const label = labelOf(names);
  return label === null ? null : kindIn(`${label}: ${text.trim()}`);
}

/** What a value's names add to it; null if they are those of no card or bank data. */
function labelOf(names: Names): string | null {
  if (names[0].length + names[1].length > NAMES_LENGTH_MAX) return null;
  // { card: { number: … } } is cardNumber written in two steps, and cardNumber is card number.
  const label = names.join(' ').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return NAMED_KEY.test(label) ? label : null;
}

function kindIn(text: string): CardDataKind | null {
  if (!HAS_DIGIT.test(text)) return null;
  const plain = readable(text);
  if (cardNumbersIn(plain).next().done === false) return 'card_number';
  return namedIn(plain)[0]?.kind ?? null;
}

/** Digits that a name which only card and bank data have stands before. */
function namedIn(plain: string): readonly (Span & { readonly kind: CardDataKind })[] {
  if (!/[:=]/.test(plain)) return [];
  const found: (Span & { readonly kind: CardDataKind })[] = [];
  IN_TEXT.lastIndex = 0;
  for (let match = IN_TEXT.exec(plain); match !== null; match = IN_TEXT.exec(plain)) {
    const group = match.findIndex((digits, index) => index > 0 && digits !== undefined);
    const [named, digits = ''] = [NAMED[group - 1], match[group]];
    const end = match.index + match[0].length;
    if (named !== undefined && (named.fits?.(digits) ?? true)) found.push({ kind: named.kind, start: end - digits.length, end });
  }
  return found;
}

/** Nine digits whose first two are a district of the Federal Reserve's and whose weighted sum ends in 0. */
function isRoutingNumber(digits: string): boolean {
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * ([3, 7, 1][index % 3] ?? 0), 0);
  return /^(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)/.test(digits) && sum % 10 === 0;
}

/** A name as it may be shown and logged: what is not a plain word could be the very thing that was found. */
function shownName(name: string, kind: CardDataKind | null): string {
  return kind === null && /^[A-Za-z_][\w .-]{0,59}$/.test(name) && name.replace(/\D/g, '').length < 5 ? name : '*';
}
