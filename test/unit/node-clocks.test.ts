import { describe, expect, it } from '@jest/globals';
import { NodeClocks } from '../../src/platform/db/node-clocks.js';

/** A reading of a node that is so much ahead of ticks. */
const reading = (node: string, ticksMs: number, aheadMs: number) => ({ node, ticksMs, theirsMs: ticksMs + aheadMs });
const steady = { byMs: 0, isBack: false };

describe('the clocks of the nodes of a database', () => {
  it('ran steadily if each moved with ticks, however often a process comes from one to the other', () => {
    const clocks = new NodeClocks();
    const steps = Array.from({ length: 10 }, (_, index) =>
      clocks.note(reading(index % 2 === 0 ? 'a' : 'b', 5_000 * index, index % 2 === 0 ? 0 : -20_000)),
    );
    expect(steps).toEqual(Array(10).fill(steady));
    expect(clocks.apartMs).toBe(20_000);
  });

  it.each([
    [60_000, false],
    [-60_000, true],
  ])('that is set by %i ms is told from one that another process was led to', (byMs, isBack) => {
    const clocks = new NodeClocks();
    clocks.note(reading('a', 0, 0));
    expect(clocks.note(reading('a', 5_000, byMs))).toEqual({ byMs, isBack });
    expect(clocks.apartMs).toBe(0);
  });

  it('30 s from the last and further are no steady time, and what waits is pulled forward for it once', () => {
    const clocks = new NodeClocks();
    clocks.note(reading('a', 0, 0));
    expect(clocks.note(reading('b', 1_000, -30_000))).toEqual({ byMs: -30_000, isBack: true });
    expect(clocks.note(reading('a', 2_000, 0))).toEqual({ byMs: 30_000, isBack: false });
    expect(clocks.note(reading('b', 3_000, -30_000))).toEqual({ byMs: -30_000, isBack: false });
  });

  it('are apart by the two that differ most, whether they are worked through or only looked at', () => {
    const clocks = new NodeClocks();
    clocks.note(reading('a', 0, 0));
    clocks.see(reading('b', 0, 12_000));
    clocks.see(reading('c', 0, -3_000));
    expect(clocks.apartMs).toBe(15_000);
  });

  it('are not apart by less than a reading may be wrong by', () => {
    const clocks = new NodeClocks();
    clocks.note(reading('a', 0, 0));
    clocks.see(reading('b', 0, 999));
    expect(clocks.apartMs).toBe(0);
  });

  it('count for ten minutes after a node said something last', () => {
    const clocks = new NodeClocks();
    clocks.see(reading('gone', 0, 12_000));
    clocks.note(reading('a', 600_000, 0));
    expect(clocks.apartMs).toBe(12_000);
    clocks.note(reading('a', 600_001, 0));
    expect(clocks.apartMs).toBe(0);
  });
});
