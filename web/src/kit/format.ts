import type { Money } from './shapes.ts';

/** How amounts and dates are written for one reader. */
export interface Format {
  money(amount: Money): string;
  /** A day, where the app does its business. */
  day(at: string): string;
}

/** `locale`: BCP 47; `timeZone`: of the IANA database. */
export function formatOf(locale: string, timeZone: string): Format {
  const days = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone });
  return {
    day: (at) => days.format(new Date(at)),
    // The digits are the API's: browsers and banks disagree about some currencies.
    money: ({ decimal, currency }) => {
      const digits = decimal.split('.')[1]?.length ?? 0;
      const style = { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
      return new Intl.NumberFormat(locale, style).format(decimal as Intl.StringNumericLiteral);
    },
  };
}
