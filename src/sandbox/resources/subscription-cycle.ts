import type { TilledIntervalUnit } from '../../tilled/tilled.shapes.js';
import { DAY_MS } from '../assumptions.js';

/** What fixes the dates of a subscription's payments. */
export interface BillingCycle {
  billing_cycle_anchor: string;
  interval_unit: TilledIntervalUnit;
  interval_count: number;
}

/**
 * The time of the n-th payment, the anchor being the 0th: always anchor plus n intervals, never previous plus one,
 * so that a month too short for the anchor's day bills on its last day and the next returns to the anchor's.
 */
function paymentAtMs(cycle: BillingCycle, n: number): number {
  const anchor = new Date(cycle.billing_cycle_anchor);
  const intervals = cycle.interval_count * n;
  if (cycle.interval_unit === 'week') return anchor.getTime() + 7 * DAY_MS * intervals;
  const months = cycle.interval_unit === 'month' ? intervals : 12 * intervals;
  const year = anchor.getUTCFullYear();
  const month = anchor.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const timeOfDayMs = anchor.getTime() - Date.UTC(year, anchor.getUTCMonth(), anchor.getUTCDate());
  return Date.UTC(year, month, Math.min(anchor.getUTCDate(), lastDay)) + timeOfDayMs;
}

/** The first payment strictly after a time, or the anchor when that is later. */
export function firstPaymentAfterMs(cycle: BillingCycle, afterMs: number): number {
  const sinceAnchorMs = afterMs - Date.parse(cycle.billing_cycle_anchor);
  // Counting in the longest interval starts at or before the one sought; the few left are walked.
  let n = Math.max(0, Math.floor(sinceAnchorMs / (LONGEST_MS[cycle.interval_unit] * cycle.interval_count)));
  while (paymentAtMs(cycle, n) <= afterMs) n += 1;
  return paymentAtMs(cycle, n);
}

const LONGEST_MS: Record<TilledIntervalUnit, number> = { week: 7 * DAY_MS, month: 31 * DAY_MS, year: 366 * DAY_MS };
