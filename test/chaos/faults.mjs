/** Our time-out is 1 s. What arrives last is still in the lists, which lag, before the quiet time is over. */
const LATE_MS = [500, 1_200, 2_500, 5_000, 10_000];
const WHEN = ['before', 'after'];
const REPEATS = ['decline', 'conflict', 'allow'];
const CANCELS = ['allow', 'refuse'];
/** By how much lists lag behind writes, ms. */
export const LIST_LAG_MS = 1_500;

/** What may go wrong between us and Tilled, each at its own share of the calls. */
export function faults(random) {
  const cuts = [
    { drop: true, when: 'before', probability: 0.015 },
    { drop: true, when: 'after', probability: 0.03 },
    { status: 500, when: 'before', probability: 0.01 },
    { status: 500, when: 'after', probability: 0.01 },
    { status: 429, when: 'before', probability: 0.005 },
    { delayMs: 300, when: 'before', probability: 0.03 },
  ];
  const late = LATE_MS.flatMap((delayMs) => WHEN.map((when) => ({ operation: 'POST /v1/*', delayMs, when, probability: 0.003 })));
  const underWay = LATE_MS.flatMap((delayMs) =>
    REPEATS.flatMap((repeat) => CANCELS.map((cancel) => ({ delayMs, when: 'during', repeat, cancel }))),
  );
  const writes = ['POST /v1/payment-intents/:id/*', 'POST /v1/refunds', 'POST /v1/subscriptions*', 'POST /v1/customers', 'PUT /v1/*'];
  const held = underWay.flatMap((fault) => writes.map((operation) => ({ operation, probability: 0.0025, ...fault })));
  return [...cuts, ...late, ...held].map((fault) => ({ operation: '* /v1/*', seed: random.between(1, 2 ** 30), ...fault }));
}
