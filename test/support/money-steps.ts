import fc from 'fast-check';

/** What a client of an app asks for. `pick` chooses among what is there, whatever that is by then. */
export type Request =
  | { readonly do: 'pay'; readonly app: number; readonly with: 'card' | 'bank'; readonly hold: boolean; readonly amountMinor: number }
  | { readonly do: 'capture' | 'cancel' | 'unsubscribe'; readonly app: number; readonly pick: number; readonly part: boolean }
  | { readonly do: 'refund'; readonly app: number; readonly pick: number; readonly part: boolean }
  | { readonly do: 'subscribe'; readonly app: number; readonly with: 'card' | 'bank' }
  | { readonly do: 'customer'; readonly app: number }
  /** The same request once more, with its key: because it got no answer, or for no reason. */
  | { readonly do: 'repeat'; readonly app: number; readonly pick: number };

/** What happens around the clients. */
type Event =
  | { readonly do: 'work' | 'deliver' | 'batch' | 'backfill' }
  | { readonly do: 'bank'; readonly app: number; readonly pick: number; readonly comesBack: boolean }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'wire'; readonly paused: boolean; readonly reorder: boolean; readonly duplicate: number; readonly lose: number }
  | { readonly do: 'fault'; readonly operation: string; readonly kind: FaultKind; readonly skip: number }
  | { readonly do: 'die'; readonly atStatement: number };

/** One step: requests that run at once (`copies` of each), or something that happens to the world. */
export type Step =
  | { readonly together: readonly Sending[]; readonly withWork: boolean; readonly banksAnswer: 'paid' | 'back' | null }
  | { readonly event: Event };

/** A request on its way, maybe several times at once, and maybe with a fault at the call of Tilled that it leads to. */
export type Sending = Request & { readonly copies: number; readonly fault: FaultKind | null };

export interface Run {
  readonly isDeaf: boolean;
  readonly steps: readonly Step[];
}

const MINUTE_MS = 60_000;
/** How long an answer takes that is carried out at once: long enough for other news to overtake it. */
export const SLOW_MS = 250;
const DAY_MS = 86_400_000;
/** Apps of a run. */
export const APPS = 2;
type FaultKind = (typeof FAULTS)[number];
const FAULTS = ['slow', 'dropBefore', 'dropAfter', 'status500Before', 'status500After', 'status429', 'late'] as const;
/** Where a request moves money at Tilled. */
export const CALLED_BY: Readonly<Record<Exclude<Request['do'], 'repeat'>, string>> = {
  pay: 'POST /v1/payment-intents*',
  capture: 'POST /v1/payment-intents/:id/capture',
  cancel: 'POST /v1/payment-intents/:id/cancel',
  refund: 'POST /v1/refunds',
  subscribe: 'POST /v1/subscriptions',
  unsubscribe: 'POST /v1/subscriptions/:id/cancel',
  customer: 'POST /v1/customers',
};
const OPERATIONS = [
  'POST /v1/payment-intents',
  'POST /v1/payment-intents/:id/confirm',
  'POST /v1/payment-intents/:id/capture',
  'POST /v1/payment-intents/:id/cancel',
  'POST /v1/refunds',
  'POST /v1/subscriptions',
  'POST /v1/subscriptions/:id/cancel',
  'POST /v1/customers',
  'GET /v1/*',
  'POST /v1/*',
  'POST /v1/*',
  '* /v1/*',
];
/** The last is declined by the sandbox's bank. */
const AMOUNTS = [1_000, 2_500, 9_999, 1_235, 5_677, 777_701];

/** Records that print as what they are. */
const plain = <Row>(fields: { [Name in keyof Row]: fc.Arbitrary<Row[Name]> }): fc.Arbitrary<Row> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Row>;

const app = fc.nat({ max: APPS - 1 });
const pick = fc.nat({ max: 50 });
const method = fc.constantFrom('card' as const, 'card' as const, 'bank' as const);

const request: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 8,
    arbitrary: plain({
      do: fc.constant('pay' as const),
      app,
      with: method,
      hold: fc.boolean(),
      amountMinor: fc.constantFrom(...AMOUNTS),
    }),
  },
  { weight: 8, arbitrary: plain({ do: fc.constant('refund' as const), app, pick, part: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: plain({ do: fc.constantFrom('capture' as const, 'cancel' as const, 'unsubscribe' as const), app, pick, part: fc.boolean() }),
  },
  { weight: 1, arbitrary: plain({ do: fc.constant('subscribe' as const), app, with: method }) },
  { weight: 1, arbitrary: plain({ do: fc.constant('customer' as const), app }) },
  { weight: 4, arbitrary: plain({ do: fc.constant('repeat' as const), app, pick }) },
);

/** The late one takes its time in the test too. */
const fault = fc.constantFrom(...FAULTS.slice(0, -1), ...FAULTS);

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: plain({ do: fc.constantFrom('work' as const, 'deliver' as const, 'batch' as const, 'backfill' as const) }) },
  { weight: 2, arbitrary: plain({ do: fc.constant('bank' as const), app, pick, comesBack: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: plain({
      do: fc.constant('time' as const),
      ms: fc.constantFrom(6_000, MINUTE_MS, 3 * MINUTE_MS, 6 * MINUTE_MS, DAY_MS, 4 * DAY_MS, 9 * DAY_MS),
    }),
  },
  {
    weight: 2,
    arbitrary: plain({
      do: fc.constant('wire' as const),
      paused: fc.boolean(),
      reorder: fc.boolean(),
      duplicate: fc.nat({ max: 3 }),
      lose: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 7,
    arbitrary: plain({
      do: fc.constant('fault' as const),
      operation: fc.constantFrom(...OPERATIONS),
      kind: fault,
      skip: fc.nat({ max: 1 }),
    }),
  },
  { weight: 4, arbitrary: plain({ do: fc.constant('die' as const), atStatement: fc.integer({ min: 1, max: 40 }) }) },
);

/** Up to 40 steps of everything. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: plain({
        together: fc.array(
          fc
            .tuple(request, fc.constantFrom(1, 1, 1, 2), fc.option(fault, { freq: 2 }))
            .map(([asked, copies, struck]) => ({ ...asked, copies, fault: struck })),
          { minLength: 1, maxLength: 4 },
        ),
        withWork: fc.boolean(),
        banksAnswer: fc.constantFrom(null, null, 'paid' as const, 'back' as const),
      }),
    },
    { weight: 2, arbitrary: plain({ event }) },
  ),
  { minLength: 15, maxLength: 40, size: 'max' },
);

/** One run. In a deaf one no webhook arrives until all work that waits was tried again: what we ask for must suffice. */
export const runs = plain<Run>({ isDeaf: fc.boolean(), steps });

/** A fault of the sandbox; the late one outlasts `timeoutMs`. */
export function faultOf(kind: FaultKind, timeoutMs: number): object {
  switch (kind) {
    case 'slow':
      return { delayMs: SLOW_MS, when: 'after' };
    case 'dropBefore':
      return { drop: true, when: 'before' };
    case 'dropAfter':
      return { drop: true, when: 'after' };
    case 'status500Before':
      return { status: 500, when: 'before' };
    case 'status500After':
      return { status: 500, when: 'after' };
    case 'status429':
      return { status: 429 };
    case 'late':
      return { delayMs: timeoutMs + 150, when: 'after' };
  }
}
