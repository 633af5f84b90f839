import { describe, expect, it } from '@jest/globals';
import { isIn, Spread } from '../../src/platform/jobs/spread.js';

const lostOften = () => {
  const spread = new Spread();
  for (let times = 0; times < 10; times += 1) spread.lost();
  return spread;
};

describe('who takes from a queue', () => {
  it('takes what is oldest as long as no race is lost', () => {
    const spread = new Spread();
    for (let times = 0; times < 100; times += 1) spread.won();
    expect(spread.partFor(10, 10_000)).toEqual({ parts: 1, part: 0 });
    expect(spread.mixed([3, 1, 2])).toEqual([3, 1, 2]);
  });

  it('takes from more parts the oftener it lost, and from fewer again when it does not', () => {
    const spread = lostOften();
    const { parts } = spread.partFor(1, 10_000);
    expect(parts).toBe(32);
    for (let times = 0; times < 200; times += 1) spread.won();
    expect(spread.partFor(1, 10_000).parts).toBe(1);
  });

  it('finds as much as it wants in a part: little work has one', () => {
    expect(lostOften().partFor(10, 19).parts).toBe(1);
    expect(lostOften().partFor(10, 40).parts).toBe(4);
  });

  it('meets another who lost too in few of their choices', () => {
    const [one, other] = [lostOften(), lostOften()];
    const met = Array.from({ length: 2_000 }, () => one.partFor(10, 1_000).part === other.partFor(10, 1_000).part).filter(Boolean);
    expect(met.length).toBeLessThan(2_000 / 32 + 60);
  });
});

it('every id is in exactly one part, and parts are about alike', () => {
  const ids = Array.from({ length: 4_000 }, (_, index) => `job_01jd9k${index}`);
  const sizes = [0, 1, 2, 3].map((part) => ids.filter((id) => isIn({ parts: 4, part }, id)).length);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(4_000);
  expect(Math.min(...sizes)).toBeGreaterThan(850);
});
