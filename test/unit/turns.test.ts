import { describe, expect, it } from '@jest/globals';
import { IN_PROGRESS_MAX, type InProgress, shareOut, type Turn } from '../../src/platform/jobs/turns.js';

const [MONEY, NEWS, SWEEP] = [0, 1, 2] as const;
const work = (appId: string, priority: number, count = 10_000) => ({ appId, priority, count });
const inHand = (appId: string, priority: number, count: number): InProgress => Array<InProgress[number]>(count).fill({ appId, priority });
const handsOf = (turns: readonly Turn[], appId: string) =>
  turns.filter((turn) => turn.appId === appId).reduce((sum, { count }) => sum + count, 0);

describe('hands that are free', () => {
  it('are not all for one app, however much of it is due: another that comes later finds some', () => {
    const turns = shareOut([work('big', MONEY)], [], IN_PROGRESS_MAX);
    expect(handsOf(turns, 'big')).toBeLessThan(IN_PROGRESS_MAX);
    const later = shareOut([work('big', MONEY), work('small', MONEY, 3)], inHand('big', MONEY, handsOf(turns, 'big')), 5);
    expect([handsOf(later, 'big'), handsOf(later, 'small')]).toEqual([0, 3]);
  });

  it('go round among the apps, to who has least in hand first', () => {
    const turns = shareOut([work('big', MONEY), work('small', MONEY)], inHand('big', MONEY, 4), 6);
    expect([handsOf(turns, 'big'), handsOf(turns, 'small')]).toEqual([1, 5]);
  });

  it('are for money first, then for news, then for sweeps', () => {
    expect(shareOut([work('one', SWEEP), work('one', NEWS), work('one', MONEY, 2)], [], 3)).toEqual([
      work('one', MONEY, 2),
      work('one', NEWS, 1),
    ]);
  });

  it('are kept for money while sweeps and news fill theirs', () => {
    const swept = shareOut([work('one', SWEEP), work('two', SWEEP), work('one', NEWS), work('two', NEWS)], [], IN_PROGRESS_MAX);
    const taken = handsOf(swept, 'one') + handsOf(swept, 'two');
    expect(taken).toBeLessThan(IN_PROGRESS_MAX);
    expect(handsOf(shareOut([work('three', MONEY, 1)], inHand('one', NEWS, taken), IN_PROGRESS_MAX - taken), 'three')).toBe(1);
  });
});
