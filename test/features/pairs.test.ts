import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { composeSchema } from '../../src/compose.js';
import { cut } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

/** Mutations about a customer and what is theirs: the columns of the table, in its order. */
const SECONDS = [
  ...['customerCreate', 'customerUpdate', 'customerDelete', 'customerSessionCreate'],
  ...['paymentMethodAttach', 'paymentMethodSetDefault', 'paymentMethodDetach'],
  ...[
    'subscriptionCreate',
    'subscriptionUpdate',
    'subscriptionPause',
    'subscriptionResume',
    'subscriptionCancel',
    'subscriptionReactivate',
    'subscriptionRetry',
  ],
  ...['paymentCreate', 'paymentCapture', 'paymentCancel', 'refundCreate'],
] as const;

/**
 * What the second gets while the first is UNKNOWN: one word for each column. `done`: it is carried out, beside or after the first. A dash:
 * there is nothing yet that it could be about, or the first is refused where there is.
 */
const TABLE = `
                       | customer: create update delete session | method: attach default detach | subscription: create update pause resume cancel reactivate retry    | payment: create capture cancel refund
customerCreate         | done     done     CONFLICT done        | CONFLICT -        -           | NO_METHOD -        -        -        -        -            -        | NO_METHOD -       -        -
customerUpdate         | done     done     done     done        | done     done     done        | done     done     done     done     done     done          done     | done     done     done     done
customerDelete         | done     CONFLICT CONFLICT CONFLICT    | CONFLICT CONFLICT CONFLICT    | CONFLICT -        -        -        -        -             -        | CONFLICT -        -        done
paymentMethodAttach    | done     done     CONFLICT done        | CONFLICT done     done        | done     done     done     done     done     done          done     | done     done     done     done
paymentMethodDetach    | done     done     done     done        | done     CONFLICT CONFLICT    | CONFLICT CONFLICT done     done     done     done          done     | CONFLICT done     done     done
subscriptionCreate     | done     done     CONFLICT done        | done     done     IN_USE      | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionUpdate     | done     done     CONFLICT done        | done     done     IN_USE      | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionPause      | done     done     CONFLICT done        | done     done     done        | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionResume     | done     done     CONFLICT done        | done     done     done        | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionCancel     | done     done     CONFLICT done        | done     done     done        | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionReactivate | done     done     CONFLICT done        | done     done     done        | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
subscriptionRetry      | done     done     CONFLICT done        | done     done     done        | done     CONFLICT CONFLICT CONFLICT CONFLICT CONFLICT      CONFLICT | done     done     done     done
paymentCreate          | done     done     CONFLICT done        | done     done     done        | done     done     done     done     done     done          done     | done     ILLEGAL  ILLEGAL  ILLEGAL
paymentCapture         | done     done     CONFLICT done        | done     done     done        | done     done     done     done     done     done          done     | done     CONFLICT CONFLICT ILLEGAL
paymentCancel          | done     done     CONFLICT done        | done     done     done        | done     done     done     done     done     done          done     | done     CONFLICT CONFLICT ILLEGAL
refundCreate           | done     done     done     done        | done     done     done        | done     done     done     done     done     done          done     | done     ILLEGAL  ILLEGAL  TOO_LARGE
`;

const CODES: Readonly<Record<string, string>> = {
  NO_METHOD: 'NO_PAYMENT_METHOD',
  IN_USE: 'PAYMENT_METHOD_IN_USE',
  ILLEGAL: 'ILLEGAL_TRANSITION',
  TOO_LARGE: 'REFUND_TOO_LARGE',
};

/** Mutations that cannot be under way: they end with our own commit. */
const NEVER_OPEN = ['customerSessionCreate', 'paymentMethodSetDefault'];
/** Mutations that touch nothing of a customer: of events, endpoints, differences and settings, and of disputes, whose pairs disputes.test.ts tries. */
const ELSEWHERE = [
  ...['webhookEventReplay', 'divergenceResolve', 'disputeEvidenceSubmit', 'webhookDeliveryResend', 'webhookEndpointCreate'],
  ...['webhookEndpointDelete', 'webhookEndpointSecretRotate', 'webhookEndpointTest', 'webhookEndpointUpdate'],
  'appSettingsUpdate',
];

/** The request at Tilled that is cut off before it is carried out, so that the first is UNKNOWN. */
const CUT: Readonly<Record<string, string>> = {
  customerCreate: 'POST /v1/customers',
  customerUpdate: 'PATCH /v1/customers/:id',
  customerDelete: 'PUT /v1/payment-methods/:id/detach',
  paymentMethodAttach: 'PUT /v1/payment-methods/:id/attach',
  paymentMethodDetach: 'PUT /v1/payment-methods/:id/detach',
  subscriptionCreate: 'POST /v1/subscriptions',
  subscriptionUpdate: 'PATCH /v1/subscriptions/:id',
  subscriptionPause: 'POST /v1/subscriptions/:id/pause',
  subscriptionResume: 'POST /v1/subscriptions/:id/resume',
  subscriptionCancel: 'POST /v1/subscriptions/:id/cancel',
  subscriptionReactivate: 'PATCH /v1/subscriptions/:id',
  subscriptionRetry: 'POST /v1/subscriptions/:id/retry',
  paymentCreate: 'POST /v1/payment-intents/:id/confirm',
  paymentCapture: 'POST /v1/payment-intents/:id/capture',
  paymentCancel: 'POST /v1/payment-intents/:id/cancel',
  refundCreate: 'POST /v1/refunds',
};

const FIRSTS = TABLE.trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [first = '', ...groups] = line.split('|');
    return { first: first.trim(), cells: groups.flatMap((group) => group.trim().split(/\s+/)) };
  });

/** What two mutations are about. */
interface Stage {
  customerId: string;
  /** The method that is asked for; beside it the customer has another, their default. */
  methodId: string;
  newCard: string;
  subscriptionId: string;
  paymentId: string;
}

interface Payload {
  readonly userErrors: readonly { readonly code: string }[];
}

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

/** How each mutation is sent, about what is on the stage. */
const SEND: Readonly<Record<string, (stage: Stage) => Promise<Payload>>> = {
  customerCreate: async () => (await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'bob@example.com' } })).customerCreate,
  customerUpdate: async ({ customerId: id }) =>
    (await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: 'Bob' } })).customerUpdate,
  customerDelete: async ({ customerId: id }) => (await world.ask(app, ops.CustomerDeleteDocument, { input: { id } })).customerDelete,
  customerSessionCreate: async ({ customerId }) =>
    (await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } })).customerSessionCreate,
  paymentMethodAttach: async ({ customerId, newCard: tilledPaymentMethodId }) =>
    (await world.ask(app, ops.PaymentMethodAttachDocument, { input: { customerId, tilledPaymentMethodId } })).paymentMethodAttach,
  paymentMethodSetDefault: async ({ methodId: id }) =>
    (await world.ask(app, ops.PaymentMethodSetDefaultDocument, { input: { id } })).paymentMethodSetDefault,
  paymentMethodDetach: async ({ methodId: id }) =>
    (await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id } })).paymentMethodDetach,
  subscriptionCreate: async ({ customerId, methodId }) =>
    (await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, paymentMethodId: methodId || null, price: usd(900) } }))
      .subscriptionCreate,
  subscriptionUpdate: async ({ subscriptionId: id, methodId: paymentMethodId }) =>
    (await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, paymentMethodId } })).subscriptionUpdate,
  subscriptionPause: async ({ subscriptionId: id }) =>
    (await world.ask(app, ops.SubscriptionPauseDocument, { input: { id } })).subscriptionPause,
  subscriptionResume: async ({ subscriptionId: id }) =>
    (await world.ask(app, ops.SubscriptionResumeDocument, { input: { id } })).subscriptionResume,
  subscriptionCancel: async ({ subscriptionId: id }) =>
    (await world.ask(app, ops.SubscriptionCancelDocument, { input: { id, mode: 'IMMEDIATELY' } })).subscriptionCancel,
  subscriptionReactivate: async ({ subscriptionId: id }) =>
    (await world.ask(app, ops.SubscriptionReactivateDocument, { input: { id } })).subscriptionReactivate,
  subscriptionRetry: async ({ subscriptionId: id }) =>
    (await world.ask(app, ops.SubscriptionRetryDocument, { input: { id } })).subscriptionRetry,
  paymentCreate: async ({ customerId, methodId }) =>
    (await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, paymentMethodId: methodId || null, amount: usd(700) } }))
      .paymentCreate,
  paymentCapture: async ({ paymentId: id }) => (await world.ask(app, ops.PaymentCaptureDocument, { input: { id } })).paymentCapture,
  paymentCancel: async ({ paymentId: id }) => (await world.ask(app, ops.PaymentCancelDocument, { input: { id } })).paymentCancel,
  refundCreate: async ({ paymentId }) => (await world.ask(app, ops.RefundCreateDocument, { input: { paymentId } })).refundCreate,
};

const isChange = (mutation: string) => /^subscription(?!Create)/.test(mutation);
const isAboutHold = (mutation: string) => mutation === 'paymentCapture' || mutation === 'paymentCancel';

/** What two mutations need beside a customer with two cards, in a state in which the first, and else the second, can be done. */
interface Plan {
  readonly change: string | null;
  readonly payment: 'held' | 'taken' | null;
}

function planFor(first: string, second: string): Plan {
  const change = first === 'subscriptionCreate' ? null : ([first, second].find(isChange) ?? null);
  if (isAboutHold(first) || (isAboutHold(second) && !/^(payment|refund)Create$/.test(first))) return { change, payment: 'held' };
  return { change, payment: [first, second].includes('refundCreate') && first !== 'paymentCreate' ? 'taken' : null };
}

async function stageFor(first: string, { change, payment }: Plan): Promise<Stage> {
  const stage: Stage = { customerId: '', methodId: '', newCard: await world.newCard(app), subscriptionId: '', paymentId: '' };
  if (first === 'customerCreate') return stage;
  const { customer, card } = await world.payer(app);
  stage.customerId = customer.id;
  if (change !== null) stage.subscriptionId = await subscriptionFor(change, customer.id, card.id);
  stage.methodId = (await world.card(app, customer.id)).id;
  const captureMethod = payment === 'held' ? 'MANUAL' : 'AUTOMATIC';
  if (payment !== null) stage.paymentId = (await world.payment(app, customer.id, { captureMethod })).id;
  return stage;
}

async function subscriptionFor(change: string, customerId: string, paymentMethodId: string): Promise<string> {
  const method = (await world.rows('billing_payment_methods', app)).find((row) => row.id === paymentMethodId);
  const decline = (code: string | null) => world.control('declines', { paymentMethodId: method?.tilled_payment_method_id, code });
  if (change === 'subscriptionRetry') await decline('insufficient_funds');
  const { id } = await world.subscription(app, customerId, { paymentMethodId });
  if (change === 'subscriptionRetry') {
    await world.settle();
    await decline(null);
  }
  const stage = { subscriptionId: id } as Stage;
  if (change === 'subscriptionResume') await SEND.subscriptionPause?.(stage);
  if (change === 'subscriptionReactivate') await world.ask(app, ops.SubscriptionCancelDocument, { input: { id, mode: 'AT_PERIOD_END' } });
  return id;
}

/** Sends the first, whose request is cut off, and puts what it made on the stage. */
async function leaveUnknown(first: string, stage: Stage): Promise<Payload> {
  await cut(world, CUT[first] ?? '', 'before');
  const payload = await send(first, stage);
  const made = payload as { customer?: { id: string }; subscription?: { id: string }; payment?: { id: string } };
  if (first === 'customerCreate') stage.customerId = made.customer?.id ?? '';
  if (first === 'subscriptionCreate') stage.subscriptionId = made.subscription?.id ?? '';
  if (first === 'paymentCreate') stage.paymentId = made.payment?.id ?? '';
  return payload;
}

function send(mutation: string, stage: Stage): Promise<Payload> {
  const sending = SEND[mutation];
  if (sending === undefined) throw new Error(`Nothing says how ${mutation} is sent.`);
  return sending(stage);
}

describe('the table of pairs', () => {
  it('has a row for each mutation that can be under way, and a column for each that is about a customer', async () => {
    const mutations = Object.keys((await composeSchema()).getMutationType()?.getFields() ?? {});
    expect([...SECONDS, ...ELSEWHERE].toSorted()).toEqual(mutations.toSorted());
    expect([...FIRSTS.map(({ first }) => first), ...NEVER_OPEN].toSorted()).toEqual([...SECONDS].toSorted());
    for (const { cells } of FIRSTS) expect(cells).toHaveLength(SECONDS.length);
  });
});

describe.each(FIRSTS)('while $first is UNKNOWN', ({ first, cells }) => {
  const pairs = SECONDS.map((second, index) => ({ second, cell: cells[index] ?? '' }));
  /** Stages on which nothing but refusals was tried: they are as the first left them. */
  const untouched = new Map<string, Promise<Stage>>();

  beforeAll(async () => {
    app = await world.app();
  });

  async function unknownStage(plan: Plan): Promise<Stage> {
    const stage = await stageFor(first, plan);
    const { userErrors } = await leaveUnknown(first, stage);
    // A change of a customer is ours at once, and is carried to Tilled later.
    expect(userErrors).toMatchObject(first === 'customerUpdate' ? [] : [{ code: 'OUTCOME_UNKNOWN' }]);
    return stage;
  }

  it.each(pairs.filter(({ cell }) => cell !== '-'))('$second gets $cell', async ({ second, cell }) => {
    const plan = planFor(first, second);
    const key = JSON.stringify(plan);
    const made = untouched.get(key) ?? unknownStage(plan);
    if (cell === 'done') untouched.delete(key);
    else untouched.set(key, made);
    const stage = await made;
    const codes = (await send(second, stage)).userErrors.map(({ code }) => code);
    expect(codes).toEqual(cell === 'done' ? [] : [CODES[cell] ?? cell]);
  });

  it('and whatever came second, all of it ends by itself', async () => {
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await world.gateway.database.query('select kind, subject from billing_jobs where priority = 0', [])).toEqual([]);
  });
});
