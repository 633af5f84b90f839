import { describe, expect, it } from '@jest/globals';
import { type BillingCycle, IntervalUnit, paymentAt, periodAt } from '../../src/billing/subscriptions/billing-period.js';

const { WEEK, MONTH, YEAR } = IntervalUnit;

describe('paymentAt', () => {
  it('is on the last day of short months and back on the 31st after them', () => {
    expect(daysOf(cycle('2026-01-31', MONTH), 13)).toEqual([
      ...['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30', '2026-07-31'],
      ...['2026-08-31', '2026-09-30', '2026-10-31', '2026-11-30', '2026-12-31', '2027-01-31'],
    ]);
  });

  it.each(['2026-01-30', '2026-01-29', '2026-01-28'])('never drifts from the day of %s', (anchor) => {
    const day = anchor.slice(-2);
    const days = daysOf(cycle(anchor, MONTH), 48).filter((date) => date.slice(5, 7) !== '02');
    expect(new Set(days.map((date) => date.slice(-2)))).toEqual(new Set([day]));
  });

  it('knows leap years', () => {
    expect(daysOf(cycle('2024-01-31', MONTH), 2)[1]).toBe('2024-02-29');
    expect(daysOf(cycle('2100-01-31', MONTH), 2)[1]).toBe('2100-02-28');
    expect(daysOf(cycle('2024-02-29', YEAR), 5)).toEqual(['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']);
  });

  it('counts several units as one interval', () => {
    expect(daysOf(cycle('2026-01-31', MONTH, 3), 5)).toEqual(['2026-01-31', '2026-04-30', '2026-07-31', '2026-10-31', '2027-01-31']);
    expect(daysOf(cycle('2026-12-28', WEEK, 2), 3)).toEqual(['2026-12-28', '2027-01-11', '2027-01-25']);
    expect(daysOf(cycle('2024-02-29', YEAR, 2), 3)).toEqual(['2024-02-29', '2026-02-28', '2028-02-29']);
  });

  it('keeps the time of day, also where local clocks change', () => {
    const weekly = { anchor: new Date('2026-03-01T23:59:59.999Z'), unit: WEEK, count: 1 };
    for (let index = 0; index < 60; index += 1) expect(paymentAt(weekly, index).toISOString()).toMatch(/T23:59:59\.999Z$/);
  });
});

describe('periodAt', () => {
  it('is null before the anchor', () => {
    expect(periodAt(cycle('2026-03-01', MONTH), new Date('2026-02-28T23:59:59.999Z'))).toBeNull();
  });

  it('begins at the anchor itself', () => {
    expect(periodAt(cycle('2026-03-01', MONTH), new Date('2026-03-01'))).toEqual(period('2026-03-01', '2026-04-01'));
  });

  it('belongs to the new period at the very moment of a payment, and to the old one a millisecond before', () => {
    const monthly = cycle('2026-01-31', MONTH);
    expect(periodAt(monthly, new Date('2026-03-31'))).toEqual(period('2026-03-31', '2026-04-30'));
    expect(periodAt(monthly, new Date('2026-03-30T23:59:59.999Z'))).toEqual(period('2026-02-28', '2026-03-31'));
  });

  it('is found decades after the anchor', () => {
    expect(periodAt(cycle('1996-02-29', YEAR), new Date('2026-02-28'))).toEqual(period('2026-02-28', '2027-02-28'));
    expect(periodAt(cycle('1996-01-31', MONTH), new Date('2026-03-01'))).toEqual(period('2026-02-28', '2026-03-31'));
    expect(periodAt(cycle('1996-01-01', WEEK), new Date('2026-03-01'))).toEqual(period('2026-02-23', '2026-03-02'));
  });

  it('contains its moment and touches its neighbours, for every cycle', () => {
    for (const unit of [WEEK, MONTH, YEAR]) {
      for (const count of [1, 2, 5, 12]) {
        const tried = cycle('2024-01-31', unit, count);
        for (let days = 0; days < 4_000; days += 13) {
          const moment = new Date(tried.anchor.getTime() + days * 86_400_000);
          const found = periodAt(tried, moment);
          if (found === null) throw new Error(`There is no period at ${moment.toISOString()}.`);
          expect(found.start <= moment && moment < found.end).toBe(true);
          expect(periodAt(tried, found.end)?.start).toEqual(found.end);
        }
      }
    }
  });
});

function cycle(anchor: string, unit: IntervalUnit, count = 1): BillingCycle {
  return { anchor: new Date(anchor), unit, count };
}

function period(start: string, end: string) {
  return { start: new Date(start), end: new Date(end) };
}

function daysOf(of: BillingCycle, payments: number): string[] {
  return Array.from({ length: payments }, (_, index) => paymentAt(of, index).toISOString().slice(0, 10));
}
