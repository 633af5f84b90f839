const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/** How long after the 1st, 2nd … failed attempt the next one follows, ms. The attempt after the last is the last. */
const WAITS_MS = [...[5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR], 24 * HOUR];
/** Deliveries are kept for 30 days, and the longest wait is little more than one. */
const TRIED_MS_MAX = 28 * 24 * HOUR;
/** Each wait is longer or shorter by up to that part of it: what failed together does not come back together. */
const JITTER = 0.1;
/** A receiver may ask for so much time at most, ms. */
const RETRY_AFTER_MS_MAX = HOUR;
/** So many failures in a row, and an endpoint is tried with one request at a time. */
const FAILURES_BEFORE_PROBING = 10;
const PROBE_PAUSES_MS = [SECOND, MINUTE] as const;

/** How long an endpoint may fail, with no success in between, before it is disabled, ms. */
export const DISABLED_AFTER_MS = 5 * 24 * HOUR;

/**
 * Whether a delivery that was made so long ago, ms, has no attempt after one that fails. Those that were refused are
 * over before retention removes them, a day before at least: nothing of their lane would come again behind one that is
 * not there any more.
 */
export function isTooOldToWait(ageMs: number): boolean {
  return ageMs > TRIED_MS_MAX;
}

/** How long after an attempt that failed, the `attempts`th, the next one follows, ms; null: that was the last. */
export function waitMsAfter(attempts: number, retryAfterMs: number | null): number | null {
  const plannedMs = WAITS_MS[attempts - 1];
  if (plannedMs === undefined) return null;
  const waitMs = Math.floor(plannedMs * (1 - JITTER + 2 * JITTER * Math.random()));
  return Math.max(waitMs, boundedMs(retryAfterMs));
}

/** Whether an endpoint that failed so often in a row is tried with one request at a time. */
export function isProbed(failures: number): boolean {
  return failures >= FAILURES_BEFORE_PROBING;
}

/**
 * How long nothing is sent to an endpoint, ms: as long as it asked for; and if it is only probed, a tenth of the time
 * for which it has failed, a second at least and a minute at most.
 */
export function pauseMsOf(failing: { readonly failures: number; readonly failingForMs: number }, retryAfterMs: number | null): number {
  const [leastMs, mostMs] = PROBE_PAUSES_MS;
  const probeMs = isProbed(failing.failures) ? Math.min(Math.max(failing.failingForMs / 10, leastMs), mostMs) : 0;
  return Math.floor(Math.max(probeMs, boundedMs(retryAfterMs)));
}

function boundedMs(retryAfterMs: number | null): number {
  return Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
}
