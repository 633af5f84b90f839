import type { EnvironmentReader } from './config.reader.js';

/** How long one call to Tilled may take unless it is set, and at the most, ms. */
const [TILLED_TIMEOUT_MS, TILLED_TIMEOUT_MS_MAX] = [30_000, 50_000];
/** How many calls that change something a request makes at most in a row: a payment is made and confirmed. */
const CALLS = 2;
/** How long all else of a request may take, ms: waiting for the database, looking first, recording the outcome. */
const BESIDE_CALLS_MS = 30_000;
/** How long a process may take to end once its work has, or is given back, ms. */
const LAST_STEPS_MS = 10_000;
const DRAIN_SECONDS_MAX = 60;

/** How long one call to Tilled may take, ms. */
export function readTilledTimeoutMs(reader: EnvironmentReader): number {
  const rule = { min: 100, max: TILLED_TIMEOUT_MS_MAX, purpose: 'how long one call to Tilled may take, in ms' };
  return reader.integer('TILLED_TIMEOUT_MS', TILLED_TIMEOUT_MS, rule);
}

/** How long a request or a piece of work in hand may take, ms, where a call to Tilled may take `tilledTimeoutMs`. */
export function workMsMax(tilledTimeoutMs = TILLED_TIMEOUT_MS): number {
  return CALLS * tilledTimeoutMs + BESIDE_CALLS_MS;
}

/** How long a process may take from being asked to end until it has, ms. */
export function stopMsMax(config: { readonly tilledTimeoutMs: number; readonly drainMs: number }): number {
  return config.drainMs + workMsMax(config.tilledTimeoutMs) + LAST_STEPS_MS;
}

/** The same under the longest settings there are: what looks after processes may kill one after it, ms. */
export const STOP_MS_MAX = stopMsMax({ tilledTimeoutMs: TILLED_TIMEOUT_MS_MAX, drainMs: DRAIN_SECONDS_MAX * 1_000 });

/** How long a gateway that was asked to end says so at /readyz before it lets nobody in any more, ms. */
export function readDrainMs(reader: EnvironmentReader, isProduction: boolean): number {
  const purpose = 'how long a gateway that ends says so before it takes no more connections, in seconds';
  return 1_000 * reader.integer('BILLING_DRAIN_SECONDS', isProduction ? 10 : 0, { min: 0, max: DRAIN_SECONDS_MAX, purpose });
}
