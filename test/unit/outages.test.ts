import { describe, expect, it } from '@jest/globals';
import { DeadlockException, DriverException, UniqueConstraintViolationException } from '@mikro-orm/core';
import { retryLostRaces } from '../../src/platform/db/lost-race.js';
import { asMeant, CommitUnanswered, endsConnection, isPassing, mayBeKept, onAnother, outageOf } from '../../src/platform/db/outage.js';

const saying = (facts: object) => new DriverException(Object.assign(new Error('no'), facts));
const readOnly = saying({ errno: 1290, code: 'ER_OPTION_PREVENTS_STATEMENT' });
const lost = saying({ errno: -104, code: 'ECONNRESET', fatal: true });
const deadlock = new DeadlockException(Object.assign(new Error('Deadlock found'), { errno: 1213 }));

describe('an error of the database', () => {
  it.each([
    1290, 1836, 1792, 1874, 1036, 3032, 1047,
  ])('%i says that the server takes no writes: its connection is closed, and it passes', (errno) => {
    const error = saying({ errno });
    expect([outageOf(error), endsConnection(error), isPassing(error)]).toEqual(['refused', true, true]);
  });

  it.each([
    1053, 1105, 1158, 1180, 1317, 1927, 2006, 2013, 3100, 4031, 9001, 9002,
  ])('%i leaves open what was done: its connection is closed, and it passes', (errno) => {
    const error = saying({ errno });
    expect([outageOf(error), endsConnection(error), isPassing(error)]).toEqual(['lost', true, true]);
  });

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENOTFOUND',
    'PROTOCOL_CONNECTION_LOST',
  ])('%s is a lost connection', (code) => {
    const error = saying({ code });
    expect([outageOf(error), endsConnection(error), isPassing(error)]).toEqual(['lost', true, true]);
  });

  it.each([
    [20, 'refused'],
    [1_000, null],
  ])('1205 after %i ms is, as an outage, %p: no lock is waited for less than a second', (tookMs, outage) => {
    expect(outageOf(asMeant(Object.assign(new Error('Lock wait timeout exceeded'), { errno: 1205 }), tookMs))).toBe(outage);
  });

  it.each([1040, 1203, 1226, 1021, 1114])('%i says that there is no room: connections that are open are kept, and it passes', (errno) => {
    const error = saying({ errno });
    expect([outageOf(error), endsConnection(error), isPassing(error)]).toEqual(['full', false, true]);
  });

  it('about the statement itself, or one that the database did not make, is none of these', () => {
    for (const error of [saying({ errno: 1146 }), saying({ errno: 1062 }), Object.assign(new Error('of Tilled'), { code: 'ECONNRESET' })])
      expect(isPassing(error)).toBe(false);
  });
});

describe('a COMMIT that failed', () => {
  it('may be kept, unless it was refused before it began or lost to others', () => {
    const isTaken = new UniqueConstraintViolationException(Object.assign(new Error('taken'), { errno: 1062 }));
    for (const error of [readOnly, saying({ errno: 1047 }), deadlock, saying({ errno: 3101 }), isTaken])
      expect(mayBeKept(error)).toBe(false);
    for (const error of [lost, saying({ errno: 1180 }), saying({ errno: 1317 }), saying({ errno: 1598 })])
      expect(mayBeKept(error)).toBe(true);
  });

  it('passes for who asked, whatever the server said', () => {
    expect(isPassing(new CommitUnanswered(saying({ errno: 1598 })))).toBe(true);
  });
});

describe('work whose connection cannot serve', () => {
  const failingOnce = (error: Error) => {
    const tries: number[] = [];
    const work = async () => {
      tries.push(tries.length);
      if (tries.length === 1) throw error;
      return tries.length;
    };
    return { work, tries };
  };

  it('is done on another where it was refused, and where it was lost before its COMMIT', async () => {
    await expect(onAnother(false, failingOnce(readOnly).work)).resolves.toBe(2);
    await expect(onAnother(true, failingOnce(lost).work)).resolves.toBe(2);
  });

  it('is not done again where it may have been done, or where no connection can be had', async () => {
    for (const [isUndone, error] of [
      [false, lost],
      [true, new CommitUnanswered(lost)],
      [true, saying({ code: 'ECONNREFUSED', fatal: true, isConnecting: true })],
      [true, saying({ code: 'STATEMENT_TIMEOUT', fatal: true })],
      [true, saying({ errno: 1040 })],
    ] as const) {
      const { work, tries } = failingOnce(error);
      await expect(onAnother(isUndone, work)).rejects.toBe(error);
      expect(tries).toHaveLength(1);
    }
  });
});

describe('a race that was lost', () => {
  it('is tried again for as long as that takes, twelve times in a row too', async () => {
    let left = 12;
    const work = async () => {
      left -= 1;
      if (left > 0) throw left % 2 === 0 ? deadlock : saying({ errno: 3101 });
      return 'done';
    };
    await expect(retryLostRaces(work)).resolves.toBe('done');
  });

  it('is given up when the time is over, with what the database said, which passes', async () => {
    let tries = 0;
    const losing = retryLostRaces(async () => {
      tries += 1;
      throw deadlock;
    }, 300);
    await expect(losing).rejects.toBe(deadlock);
    expect(tries).toBeGreaterThan(4);
    expect(isPassing(deadlock)).toBe(true);
  });

  it('is no reason to try anything else again', async () => {
    const taken = new UniqueConstraintViolationException(Object.assign(new Error('Duplicate entry'), { errno: 1062 }));
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw taken;
    };
    await expect(retryLostRaces(work)).rejects.toBe(taken);
    expect(tries).toBe(1);
  });
});
