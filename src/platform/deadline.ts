/** The work was not done in time; it may be done yet. */
class TooLate extends Error {
  readonly code = 'TOO_LATE';

  constructor(ms: number) {
    super(`There was no answer within ${ms} ms.`);
  }
}

/** The result of `work`, or TooLate after `ms`; the work itself is not stopped. */
export function withDeadline<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooLate(ms)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
