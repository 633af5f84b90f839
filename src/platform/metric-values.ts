/** The values of labels. Every combination is there from the start, at zero, so that the first counts as a rise. */
export type Values = Readonly<Record<string, readonly string[]>>;

/** Seconds. The promises are read off at 0.5 (API) and 2 (webhooks). */
export const REQUEST_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
export const STATEMENT_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10];
export const HANDLING_SECONDS = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800, 7200];

/** Values of labels: the state or outcome that a counter counts. */
export const DELIVERY_OUTCOMES = [
  'recorded',
  'duplicate',
  'unverified',
  'stale',
  'unknown_endpoint',
  'unusable',
  'unavailable',
  'limited',
  'removed',
];
/** Answers of the API that are timed from the start, so that the first counts in a promise. */
export const API_ANSWERS = { route: ['/graphql'], status: ['200', '400', '401', '403', '413', '429', '500', '503'] };
export const PAYMENT_STATES = [
  'PENDING',
  'REQUIRES_ACTION',
  'PROCESSING',
  'REQUIRES_CAPTURE',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
  'UNKNOWN',
];
export const REFUND_STATES = ['PENDING', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'];
export const SUBSCRIPTION_STATES = ['PENDING', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED'];

/** How a database failed: `lost_race` and `constraint` belong to normal work and are tried again or answered. */
export type DatabaseFailure = 'connection' | 'lost_race' | 'constraint' | 'other';
export const DATABASE_FAILURES: readonly DatabaseFailure[] = ['connection', 'lost_race', 'constraint', 'other'];

/** Every combination of the values of labels; one without labels if there are none. */
export function combinations(values: Values): Readonly<Record<string, string>>[] {
  const labels = Object.entries(values);
  return labels.reduce<Record<string, string>[]>(
    (sofar, [label, options]) => sofar.flatMap((made) => options.map((option) => ({ ...made, [label]: option }))),
    labels.length === 0 ? [] : [{}],
  );
}
