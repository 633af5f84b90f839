/** Currencies the processor takes, with the number of digits after the decimal point (ISO 4217). */
const FRACTION_DIGITS: Readonly<Record<string, 0 | 2>> = {
  aud: 2,
  cad: 2,
  chf: 2,
  dkk: 2,
  eur: 2,
  gbp: 2,
  hkd: 2,
  jpy: 0,
  nok: 2,
  nzd: 2,
  sek: 2,
  usd: 2,
  zar: 2,
};

/** Currencies the processor takes, lower case. */
export const CURRENCIES: readonly string[] = Object.keys(FRACTION_DIGITS);

/** The most one payment may ask for, in minor units (Tilled's own limit). */
export const AMOUNT_MINOR_MAX = 99_999_999;

/** How many digits a currency has after the decimal point; undefined if the processor does not take it. */
export function fractionDigitsOf(currency: string): number | undefined {
  return FRACTION_DIGITS[currency];
}

/** An amount for showing: 1990 usd is "19.90", 1990 jpy is "1990". Exact for every safe integer. */
export function decimalOf(amountMinor: number, currency: string): string {
  if (FRACTION_DIGITS[currency] === 0) return String(amountMinor);
  const minor = Math.abs(amountMinor);
  const rest = minor % 100;
  return `${amountMinor < 0 ? '-' : ''}${(minor - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`;
}

/** The sum of amounts of one currency, in minor units. */
export function sumMinor(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
