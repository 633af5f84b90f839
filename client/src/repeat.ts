import { BillingError, NoAnswer, RequestError, UserError } from './errors.js';

/** Faults after which the same request, with the same key, may work by itself. */
const PASSING = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'TIMEOUT', 'INTERNAL']);
/** Statuses of something in between that may pass. */
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const TRIES_MAX = 10;
/** A fault of the gateway's passes at once or not by itself. */
const TRIES_MAX_INTERNAL = 3;
const PAUSE_MS = 200;
const PAUSE_MS_MAX = 10_000;
/** The gateway answers within 40 s unless Tilled is slow; what takes longer is asked for again with its key. */
const TRY_MS_MAX = 40_000;

/** How long something may take. */
export interface Patience {
  /** Aborts it. */
  readonly signal?: AbortSignal | undefined;
  /** For how long it may go on, repeats included, ms. */
  readonly deadlineMs: number;
}

/**
 * Does the work, and does it again while it fails with what may pass: at most ten times, within the deadline, and never
 * sooner than the gateway says. Throws the last error, at once if the next try would come too late.
 */
export async function repeating<Result>(patience: Patience, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const endsAt = Date.now() + patience.deadlineMs;
  for (let tried = 1; ; tried += 1) {
    const leftMs = Math.max(endsAt - Date.now(), 1);
    try {
      return await within(patience.signal, Math.min(leftMs, TRY_MS_MAX), work);
    } catch (error) {
      const pauseMs = pauseBeforeRepeat(error, tried);
      const isOver = pauseMs === null || tried === TRIES_MAX || Date.now() + pauseMs >= endsAt || patience.signal?.aborted === true;
      if (isOver) throw error;
      // Who aborts meanwhile is told what happened last, with its key.
      await pause(pauseMs, patience.signal).catch(() => Promise.reject(error));
    }
  }
}

/** Waits. Rejects with the signal's reason if that aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * A pause that doubles with each try up to a bound, half of it by chance, so that callers do not come back together.
 */
export function backoffMs(tried: number, { firstMs = PAUSE_MS, maxMs = PAUSE_MS_MAX } = {}): number {
  const whole = Math.min(firstMs * 2 ** (tried - 1), maxMs);
  return whole / 2 + (Math.random() * whole) / 2;
}

/** How long to wait before the same is asked again, ms; null if that would not help. */
function pauseBeforeRepeat(error: unknown, tried: number): number | null {
  if (!(error instanceof BillingError) || !mayPass(error, tried)) return null;
  return (error.retryAfterMs ?? 0) + backoffMs(tried);
}

function mayPass(error: BillingError, tried: number): boolean {
  if (error instanceof NoAnswer) return error.status === null || PASSING_STATUS.has(error.status);
  if (error.code === 'INTERNAL' && tried >= TRIES_MAX_INTERNAL) return false;
  // What was carried out need not be asked again: the error says what became of it.
  if (error instanceof RequestError) return PASSING.has(error.code) && error.outcome === null;
  return error instanceof UserError && error.retryAfterMs !== null;
}

/** Does work that ends with the signal, or after so many ms. Nothing of it stays with a signal that lives on. */
async function within<Result>(
  signal: AbortSignal | undefined,
  ms: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const ending = new AbortController();
  const abort = () => ending.abort(signal?.reason);
  const timer = setTimeout(() => ending.abort(new Error(`There was no answer within ${ms} ms.`)), ms);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
