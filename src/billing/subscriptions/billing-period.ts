/** Length of a billing cycle. */
export enum IntervalUnit {
  WEEK = 'WEEK',
  MONTH = 'MONTH',
  YEAR = 'YEAR',
}

/** The grid of payments: anchor, anchor + 1 interval, anchor + 2 intervals … */
export interface BillingCycle {
  readonly anchor: Date;
  readonly unit: IntervalUnit;
  readonly count: number;
}

/** From one payment of the grid to the next. */
export interface BillingPeriod {
  readonly start: Date;
  readonly end: Date;
}

const DAY_MS = 86_400_000;
const APPROXIMATE_MS: Readonly<Record<IntervalUnit, number>> = { WEEK: 7 * DAY_MS, MONTH: 28 * DAY_MS, YEAR: 365 * DAY_MS };

/** The period that contains `moment`; null before the anchor. */
export function periodAt(cycle: BillingCycle, moment: Date): BillingPeriod | null {
  if (moment < cycle.anchor) return null;
  // Never more intervals than fit by the shortest length, so the walk back is short and ends.
  let index = Math.floor((moment.getTime() - cycle.anchor.getTime()) / (APPROXIMATE_MS[cycle.unit] * cycle.count)) + 1;
  while (paymentAt(cycle, index) > moment) index -= 1;
  return { start: paymentAt(cycle, index), end: paymentAt(cycle, index + 1) };
}

/** The period that ends at `end`, which need not be on the grid itself; null if that is not after the anchor. */
export function periodUntil(cycle: BillingCycle, end: Date): BillingPeriod | null {
  const period = periodAt(cycle, new Date(end.getTime() - 1));
  return period === null ? null : { start: period.start, end };
}

/**
 * The n-th payment after the anchor. Always computed from the anchor: a cycle of the 31st is on the last day of short
 * months and back on the 31st after them.
 */
export function paymentAt(cycle: BillingCycle, index: number): Date {
  const steps = index * cycle.count;
  if (cycle.unit === IntervalUnit.WEEK) return new Date(cycle.anchor.getTime() + steps * 7 * DAY_MS);
  return plusMonths(cycle.anchor, cycle.unit === IntervalUnit.YEAR ? steps * 12 : steps);
}

function plusMonths(date: Date, months: number): Date {
  const moved = new Date(date);
  moved.setUTCMonth(date.getUTCMonth() + months, 1);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return moved;
}
