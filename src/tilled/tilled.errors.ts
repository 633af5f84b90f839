/**
 * How a call to Tilled failed, told apart by what may have happened there:
 * - `rejected`: Tilled refused the request for good (400, 409, 422 …); nothing happened
 * - `not_found`: no such object in this account (404)
 * - `unauthorized`: key or account refused (401, 403); nothing happened
 * - `throttled`: turned away in front of Tilled (429); nothing happened
 * - `unavailable`: the request certainly did not reach Tilled, or it was only a question
 * - `unknown`: it may have happened: no answer, or a broken one
 * - `lapsed`: it was not sent, because who asked had meanwhile lost the right to; somebody else may have sent it
 */
export type TilledFailure = (typeof TILLED_FAILURES)[number];
export const TILLED_FAILURES = ['rejected', 'not_found', 'unauthorized', 'throttled', 'unavailable', 'unknown', 'lapsed'] as const;

/** A call to Tilled that failed. A declined card is not one: that comes as a payment intent. */
export class TilledError extends Error {
  constructor(
    readonly kind: TilledFailure,
    message: string,
    readonly facts: {
      readonly operation: string;
      readonly httpStatus: number | null;
      readonly code: string | null;
      /** Tilled's own id of the request, for its support. */
      readonly requestId: string | null;
      readonly retryAfterMs: number | null;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
