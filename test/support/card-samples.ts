import { randomInt } from 'node:crypto';
import creditCardType from 'credit-card-type';
import { ulid } from 'ulid';

/** What is drawn from: the same seed draws the same. `CARD_SAMPLES_SEED=… npm test -- …` makes a failure again. */
export class Samples {
  readonly seed = Number(process.env['CARD_SAMPLES_SEED'] ?? randomInt(2 ** 31));
  private state = this.seed;

  /** A number of a card, and the ways people write it. */
  cardNumber(): { readonly digits: string; readonly written: string } {
    const { patterns, lengths, gaps } = creditCardType.getTypeInfo(this.one(Object.values(creditCardType.types)));
    const [lowest = 0, highest = lowest] = [this.one(patterns)].flat();
    const length = this.one(lengths);
    const begun = String(this.from(lowest, highest)) + this.digits(length);
    const digits = withCheckDigit(begun.slice(0, length - 1));
    return { digits, written: this.inSentence(this.grouped(digits, gaps)) };
  }

  /** What is no card: no run of digits that stands alone has the length, first digits and check digit of one. */
  harmless(): string {
    for (;;) {
      const value = this.one(HARMLESS)(this);
      if (!runsOf(value).some(fitsCard)) return value;
    }
  }

  one<T>(among: readonly T[]): T {
    return among[this.from(0, among.length - 1)] as T;
  }

  from(lowest: number, highest: number): number {
    return lowest + Math.floor(this.next() * (highest - lowest + 1));
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.from(0, 9)).join('');
  }

  hex(count: number): string {
    return Array.from({ length: count }, () => this.from(0, 15).toString(16)).join('');
  }

  private grouped(digits: string, gaps: readonly number[]): string {
    const separator = this.one(['', '', '', ' ', '-', '.', '  ', '    ', ', ', ',', '/', '_', '\u00a0', '\u2013', ' - ', '\u200b']);
    const ends = this.one([gaps, gaps, Array.from(digits, (_, index) => index).slice(1)]);
    const groups = [0, ...ends].map((start, index) => digits.slice(start, ends[index]));
    return this.inScript(groups.join(separator));
  }

  private inScript(text: string): string {
    const zero = this.one(['0', '0', '0', '0', '٠', '०', '０', '𝟎']).codePointAt(0) ?? 0;
    return text.replaceAll(/[0-9]/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  }

  private inSentence(written: string): string {
    const [before, after] = this.one([
      ['', ''],
      ['', ''],
      ['paid with ', ', thanks'],
      ['card: ', ' exp'],
      ['(', ')'],
      ['VISA ', '!'],
      ['"', '"'],
    ] as const);
    return before + written + after;
  }

  /** mulberry32: 32 bits of state, good enough to draw samples. */
  private next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

const WORDS = [
  'pan',
  'Frying pan',
  'Pan',
  'track',
  'Race track',
  'expiry',
  'Voucher, expiry',
  'expiration_date',
  'account number',
  'exp_month',
  'Card CVC Status',
  'card number',
  'Card Last4',
  'routing',
];
const HARMLESS: readonly ((samples: Samples) => string)[] = [
  (of) => `+${of.from(1, 99)}${of.digits(of.from(7, 11))}`,
  (of) => `+${of.from(1, 99)} ${of.digits(3)} ${of.digits(of.from(3, 4))}-${of.digits(4)}`,
  (of) => `0${of.digits(3)}/${of.digits(of.from(5, 8))}`,
  (of) => `(${of.digits(3)}) ${of.digits(3)}-${of.digits(4)}`,
  (of) => `cus_${ulid(of.from(0, 2 ** 40)).toLowerCase()}`,
  (of) => `pi_${of.hex(24)}`,
  (of) => of.hex(64),
  (of) => [of.hex(8), of.hex(4), `4${of.hex(3)}`, `8${of.hex(3)}`, of.hex(12)].join('-'),
  (of) => [of.digits(8), of.digits(4), of.digits(4), of.digits(4), of.digits(12)].join('-'),
  (of) => momentOf(of).toISOString(),
  (of) => momentOf(of).toUTCString(),
  (of) => momentOf(of).toISOString().slice(0, 19).replace('T', ' '),
  (of) => momentOf(of).toLocaleString(of.one(['de-DE', 'en-US', 'fr-FR']), { timeZone: 'UTC' }),
  (of) => String(momentOf(of).getTime() * of.one([1, 1000])),
  (of) => `INV-${of.from(2020, 2030)}${of.digits(2)}-${of.digits(9)}`,
  (of) => `ORD${of.digits(of.from(12, 16))}`,
  (of) => `${of.one(['PO', 'SO', 'R', 'A'])}-${of.digits(of.from(4, 11))}`,
  (of) => of.digits(of.from(1, 19)),
  (of) => `${of.from(1, 9)},${of.digits(3)},${of.digits(3)}.${of.digits(2)}`,
  (of) => `${of.one(WORDS)}${of.one([': ', ' = ', ' ', '=', ':'])}${of.from(1, 9_999)}${of.one(['', ' cm', ' laps', '.', ' pieces'])}`,
  (of) => `${of.one(['CVC', 'cvv'])}: ${of.one(['pass', 'unchecked', String(of.from(1, 99)), of.digits(6)])}`,
  (of) => `seats ${Array.from({ length: of.from(2, 12) }, () => of.from(1, 99)).join(', ')}`,
  (of) => `versions ${of.from(1, 40)}.${of.from(0, 99)}.${of.from(0, 99)} and ${of.from(1, 40)}.${of.from(0, 99)}`,
  (of) => `192.168.${of.from(0, 255)}.${of.from(0, 255)}:${of.from(1_000, 65_535)}`,
];

function momentOf(samples: Samples): Date {
  return new Date(samples.from(Date.UTC(1990, 0, 1), Date.UTC(2040, 0, 1)));
}

/** The runs of digits in a text that stand alone: each in itself, and those that blanks and the like join. */
function runsOf(text: string): string[] {
  const alone = text.match(/(?<![0-9a-z])[0-9]+(?![0-9a-z])/gi) ?? [];
  const joined = text.match(/(?<![0-9a-z])[0-9]+(?:[\s,.\-_/|*'~]+[0-9]+)*(?![0-9a-z])/gi) ?? [];
  return [...alone, ...joined.map((run) => run.replaceAll(/\D/g, ''))];
}

function fitsCard(digits: string): boolean {
  if (withCheckDigit(digits.slice(0, -1)) !== digits) return false;
  const networks = Object.values(creditCardType.types).map((name) => creditCardType.getTypeInfo(name));
  return networks.some(({ patterns, lengths }) => lengths.includes(digits.length) && patterns.some((pattern) => begins(digits, pattern)));
}

function begins(digits: string, pattern: number | readonly number[]): boolean {
  const [lowest = 0, highest = lowest] = [pattern].flat();
  const first = digits.slice(0, String(lowest).length);
  return first >= String(lowest) && first <= String(highest);
}

function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return digits + ((10 - (sum % 10)) % 10);
}
