import { fractionDigitsOf } from '../../billing/money.js';

/** How a source writes its prices: in minor units, or in major ones with this sign before the fraction. */
export const PRICE_FORMATS = ['minor', 'decimal-point', 'decimal-comma'] as const;
/** How a source writes its moments: with their zone, without one and meaning UTC, or in seconds since 1970. */
export const MOMENT_FORMATS = ['zone', 'utc', 'unix'] as const;

/** How a source writes what can be written in several ways. */
export interface Formats {
  readonly priceMinor: (typeof PRICE_FORMATS)[number];
  readonly billingCycleAnchor: (typeof MOMENT_FORMATS)[number];
}

const PLAIN: Formats = { priceMinor: 'minor', billingCycleAnchor: 'zone' };

/** An interval of payments: `3 month`. */
export interface Interval {
  readonly unit: string;
  readonly count: number;
}

/** What peers and people call intervals. */
const INTERVALS: Readonly<Record<string, string>> = {
  weekly: '1 week',
  monthly: '1 month',
  quarter: '3 month',
  quarterly: '3 month',
  'half-yearly': '6 month',
  'semi-annual': '6 month',
  semiannual: '6 month',
  semiannually: '6 month',
  yearly: '1 year',
  annual: '1 year',
  annually: '1 year',
};

/** The interval that a word or a count and a unit name (`quarterly`, `3 months`, `month`); null if none. */
export function intervalOf(text: string): Interval | null {
  const word = text.trim().toLowerCase();
  const [, count = '1', unit] = /^(?:(\d{1,3}) ?)?(week|month|year)s?$/.exec(INTERVALS[word] ?? word) ?? [];
  return unit === undefined ? null : { unit, count: Number(count) };
}

/** The minor units of an amount, as digits; null if it is none of the format, or finer than its currency. */
export function minorUnitsOf(text: string, currency: string, format: Formats['priceMinor']): string | null {
  if (format === 'minor') return text;
  const digits = fractionDigitsOf(currency.toLowerCase());
  const plain = format === 'decimal-comma' ? text.replaceAll(/[.,]/g, (sign) => (sign === ',' ? '.' : ',')) : text;
  const [, whole, fraction = ''] = /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?$/.exec(plain) ?? [];
  if (whole === undefined || digits === undefined || /[1-9]/.test(fraction.slice(digits))) return null;
  const minor = whole.replaceAll(',', '') + fraction.slice(0, digits).padEnd(digits, '0');
  return minor.replace(/^0+(?=\d)/, '');
}

/** A moment in the form of ISO 8601 that we take, out of its other forms; as it is written if it is none of them. */
export function momentOf(text: string, format: Formats['billingCycleAnchor']): string {
  if (format === 'unix') return /^\d{9,11}$/.test(text) ? new Date(Number(text) * 1_000).toISOString() : text;
  const [, date, time, seconds = ':00', , zone] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(\.\d+)?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i.exec(text) ?? [];
  const said = zone ?? (format === 'utc' ? 'Z' : undefined);
  if (date === undefined || said === undefined) return text;
  const offset = /^(?:Z|UTC)$/i.test(said)
    ? 'Z'
    : said.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`);
  return `${date}T${time}${seconds}${offset}`;
}

/** A problem of a field, without its value. */
export interface FieldProblem {
  readonly field: string;
  readonly problem: string;
}

/** Fields as they were mapped, in the forms that are parsed; and what cannot be brought into them. */
export function convert(
  fields: Readonly<Record<string, unknown>>,
  formats = PLAIN,
): {
  readonly fields: Record<string, unknown>;
  readonly problems: readonly FieldProblem[];
} {
  const converted = { ...fields };
  const problems: FieldProblem[] = [];
  const { priceMinor, currency, intervalUnit, intervalCount, billingCycleAnchor } = fields;
  if (typeof priceMinor === 'string') {
    const minor = minorUnitsOf(priceMinor, typeof currency === 'string' ? currency : '', formats.priceMinor);
    if (minor === null)
      problems.push({ field: 'priceMinor', problem: `is no amount in the format ${formats.priceMinor}, of a currency that is taken` });
    else converted['priceMinor'] = minor;
  }
  const interval = typeof intervalUnit === 'string' ? intervalOf(intervalUnit) : null;
  if (interval !== null) {
    converted['intervalUnit'] = interval.unit;
    // `quarterly`, twice, is six months.
    if (typeof intervalCount === 'string' && /^\d+$/.test(intervalCount))
      converted['intervalCount'] = String(interval.count * Number(intervalCount));
    else if (intervalCount === undefined && interval.count > 1) converted['intervalCount'] = String(interval.count);
  }
  if (typeof billingCycleAnchor === 'string') converted['billingCycleAnchor'] = momentOf(billingCycleAnchor, formats.billingCycleAnchor);
  return { fields: converted, problems };
}
