import fc from 'fast-check';

/** What a client of an app asks for. `pick` chooses among what is there, whatever that is by then. */
export type Request =
  | { readonly do: 'pay'; readonly app: number; readonly with: 'card' | 'bank'; readonly hold: boolean; readonly amountMinor: number }
  | { readonly do: 'capture' | 'cancel' | 'unsubscribe'; readonly app: number; readonly pick: number; readonly part: boolean }
  | { readonly do: 'refund'; readonly app: number; readonly pick: number; readonly part: boolean }
  | { readonly do: 'subscribe'; readonly app: number; readonly with: 'card' | 'bank' }
  | { readonly do: 'customer'; readonly app: number }
  /** A new request about an order, or a return, that was asked for before; a payment maybe with another method. */
  | { readonly do: 'again'; readonly app: number; readonly pick: number; readonly with: 'card' | 'bank' }
  /** The same request once more, with its key: because it got no answer, or for no reason. */
  | { readonly do: 'repeat'; readonly app: number; readonly pick: number };

/** What happens around the clients. */
type Event =
  | { readonly do: 'deliver' | 'batch' | 'backfill' }
  | { readonly do: 'work'; readonly at: Place }
  /** What was held up under way has its effect now. */
  | { readonly do: 'arrive' }
  /** The clock of the first gateway, or that of the database, is so far from the true one now. */
  | { readonly do: 'set'; readonly clock: 'wall' | 'database'; readonly ms: number }
  | { readonly do: 'bank'; readonly app: number; readonly pick: number; readonly comesBack: boolean }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'wire'; readonly paused: boolean; readonly reorder: boolean; readonly duplicate: number; readonly lose: number }
  | { readonly do: 'fault'; readonly operation: string; readonly kind: FaultKind; readonly skip: number }
  | { readonly do: 'die'; readonly atStatement: number };

/** Which of two gateways: the one that dies now and then, or the one beside it. */
export type Place = 'first' | 'beside';

/**
 * One step: requests that run at once (`copies` of each), or something that happens to the world. Where `isSlow`, leases end while the
 * requests are under way, and the other gateway takes the work.
 */
export type Step =
  | {
      readonly together: readonly Sending[];
      readonly withWork: boolean;
      readonly isSlow: boolean;
      readonly banksAnswer: 'paid' | 'back' | null;
    }
  | { readonly event: Event };

/** A request on its way to a gateway, maybe several times at once, and maybe with a fault at the call of Tilled that it leads to. */
export type Sending = Request & { readonly at: Place; readonly copies: number; readonly fault: FaultKind | null };

export interface Run {
  readonly isDeaf: boolean;
  /** How far the clock of the gateway beside is ahead. */
  readonly besideAheadMs: number;
  readonly steps: readonly Step[];
}

const MINUTE_MS = 60_000;
/** How long an answer takes that is carried out at once: long enough for other news to overtake it. */
export const SLOW_MS = 250;
const DAY_MS = 86_400_000;
/** Apps of a run. */
export const APPS = 2;
type FaultKind = (typeof FAULTS)[number] | (typeof HELD)[number];
/** Answers that do not come, or too late. */
const FAULTS = ['slow', 'dropBefore', 'dropAfter', 'status500Before', 'status500After', 'status429', 'late'] as const;
/** Writes that are under way for long, by what the same write gets meanwhile; of the last, by what a cancel gets. */
const HELD = ['heldConflict', 'heldDecline', 'heldAllow', 'heldCancelable'] as const;
/** Where a request moves money at Tilled. */
export const CALLED_BY: Readonly<Record<Exclude<Request['do'], 'repeat'>, string>> = {
  pay: 'POST /v1/payment-intents*',
  capture: 'POST /v1/payment-intents/:id/capture',
  cancel: 'POST /v1/payment-intents/:id/cancel',
  refund: 'POST /v1/refunds',
  subscribe: 'POST /v1/subscriptions',
  unsubscribe: 'POST /v1/subscriptions/:id/cancel',
  customer: 'POST /v1/customers',
  again: 'POST /v1/*',
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
  { weight: 4, arbitrary: plain({ do: fc.constant('again' as const), app, pick, with: method }) },
  { weight: 4, arbitrary: plain({ do: fc.constant('repeat' as const), app, pick }) },
);

const place = fc.constantFrom('first' as const, 'first' as const, 'beside' as const);

/** The late one, and what is held, take their time in the test too. */
const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...FAULTS.slice(0, -1), ...FAULTS) },
  { weight: 1, arbitrary: fc.constantFrom(...HELD) },
);

/** By little, so that it keeps working, or by more than a lease and a quiet time last. */
const offMs = fc.constantFrom(0, 4_000, -20_000, 20_000, -6 * MINUTE_MS, 6 * MINUTE_MS, -10 * MINUTE_MS, 10 * MINUTE_MS);

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: plain({ do: fc.constantFrom('deliver' as const, 'batch' as const, 'backfill' as const) }) },
  { weight: 2, arbitrary: plain({ do: fc.constant('work' as const), at: place }) },
  { weight: 1, arbitrary: plain({ do: fc.constant('arrive' as const) }) },
  {
    weight: 2,
    arbitrary: plain({ do: fc.constant('set' as const), clock: fc.constantFrom('wall' as const, 'database' as const), ms: offMs }),
  },
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
            .tuple(request, place, fc.constantFrom(1, 1, 1, 2), fc.option(fault, { freq: 2 }))
            .map(([asked, at, copies, struck]) => ({ ...asked, at, copies, fault: struck })),
          { minLength: 1, maxLength: 4 },
        ),
        withWork: fc.boolean(),
        isSlow: fc.constantFrom(false, false, false, true),
        banksAnswer: fc.constantFrom(null, null, 'paid' as const, 'back' as const),
      }),
    },
    { weight: 2, arbitrary: plain({ event }) },
  ),
  { minLength: 15, maxLength: 40, size: 'max' },
);

/** One run. In a deaf one no webhook arrives until all work that waits was tried again: what we ask for must suffice. */
export const runs = plain<Run>({ isDeaf: fc.boolean(), besideAheadMs: offMs, steps });

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
    case 'heldConflict':
    case 'heldDecline':
    case 'heldAllow':
      return { ...HOLD, repeat: kind.slice('held'.length).toLowerCase() };
    case 'heldCancelable':
      return { ...HOLD, repeat: 'decline', cancel: 'allow' };
  }
}

/** Until the model lets it arrive. */
const HOLD = { delayMs: 600_000, when: 'during' };
