import { describe, expect, it } from '@jest/globals';
import { Ids } from '../../src/platform/ids.js';

const NOON = new Date('2026-03-01T12:00:00.000Z');

describe('Ids', () => {
  it('are a prefix and 26 lower-case characters', () => {
    const ids = new Ids({ now: () => NOON });
    expect(ids.make('pay')).toMatch(/^pay_[0-9a-z]{26}$/);
    expect(ids.make('whe')).toMatch(/^whe_[0-9a-z]{26}$/);
  });

  it('are never the same and sort in the order they were made, also within one millisecond', () => {
    const ids = new Ids({ now: () => NOON });
    const made = Array.from({ length: 20_000 }, () => ids.make('pay'));
    expect(new Set(made).size).toBe(made.length);
    expect(made.toSorted()).toEqual(made);
  });

  it('go on sorting when the clock is set back', () => {
    let now = NOON;
    const ids = new Ids({ now: () => now });
    const before = ids.make('pay');
    now = new Date(NOON.getTime() - 60_000);
    expect(ids.make('pay') > before).toBe(true);
  });

  it('sort by the clock between processes', () => {
    const earlier = new Ids({ now: () => NOON });
    const later = new Ids({ now: () => new Date(NOON.getTime() + 1) });
    const late = later.make('pay');
    expect(earlier.make('pay') < late).toBe(true);
  });

  it('differ between processes in the same millisecond', () => {
    const made = Array.from({ length: 500 }, () => new Ids({ now: () => NOON }).make('pay'));
    expect(new Set(made).size).toBe(made.length);
  });
});
