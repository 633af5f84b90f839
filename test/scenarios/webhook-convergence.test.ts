import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dispute } from '../../src/billing/disputes/dispute.entity.js';
import { DISPUTE_STATES } from '../../src/billing/disputes/dispute.states.js';
import { PaymentMethod } from '../../src/billing/payment-methods/payment-method.entity.js';
import { Payment } from '../../src/billing/payments/payment.entity.js';
import { PAYMENT_STATES } from '../../src/billing/payments/payment.states.js';
import { Refund } from '../../src/billing/refunds/refund.entity.js';
import { REFUND_STATES } from '../../src/billing/refunds/refund.states.js';
import { Subscription } from '../../src/billing/subscriptions/subscription.entity.js';
import { SUBSCRIPTION_STATES } from '../../src/billing/subscriptions/subscription.states.js';
import { Job } from '../../src/platform/jobs/job.entity.js';
import { OutboxEvent } from '../../src/platform/outbox/outbox-event.entity.js';
import type {
  TilledDispute,
  TilledEvent,
  TilledPaymentIntent,
  TilledPaymentMethod,
  TilledSubscription,
} from '../../src/tilled/tilled.shapes.js';
import { WebhookEvent } from '../../src/webhooks/webhook-event.entity.js';
import { liveAsCard, liveAsDebit, liveAsHeldPayment, liveAsSubscription, randomNumbers, refundsOf } from '../support/changes-at-tilled.js';
import { forEachOf, HostileWorld } from '../support/hostile-world.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';

const SEED = 20_261_122;
const CUSTOMERS = 20;
/** 500 objects: of every customer so many. */
const EACH = { heldPayments: 6, debits: 4, subscriptions: 10, cards: 5 };
const MINUTE_MS = 60_000;
/** Work that repeats for ever, so it always waits. */
const SCHEDULED = ['webhook.backfill', 'reconcile', 'retention.sweep'];

/** An object at Tilled and how somebody will change it there. */
type Life = (chance: () => number) => Promise<void>;

/** Everything Tilled has of the account in the end. */
interface Truth {
  readonly intents: readonly TilledPaymentIntent[];
  readonly subscriptions: readonly TilledSubscription[];
  readonly disputes: readonly TilledDispute[];
  readonly methods: readonly TilledPaymentMethod[];
  readonly events: readonly TilledEvent[];
}

let world: HostileWorld;
let truth: Truth;
let methodIds: string[] = [];
let killed = 0;
let backfilled = { missing: 0, said: '' };
const measured: Record<string, number> = {};

const TOO_LATE = 'There was no answer within 5000 ms.';
/** What the title of these tests says. */
const CHANGES_AT_LEAST = 5_000;

beforeAll(async () => {
  world = await HostileWorld.create(SEED);
  const lives = await timed('setup', makeObjects);
  expect(lives).toHaveLength(500);
  await beSlowAndFail();
  for (const name of ['worker-1', 'worker-2']) world.fleet.startWorker(name);
  const trouble = keepKilling();
  try {
    await timed('changes', () => forEachOf(lives, lives.length, (life, index) => life(randomNumbers(SEED + index))));
    await timed('deliveries', () => world.wire.flush());
  } finally {
    await trouble.stop();
  }
  truth = await timed('truth', readTruth);
  await timed('backfill', backfill);
  await timed('settling', settle);
}, 10 * MINUTE_MS);
afterAll(async () => {
  process.stdout.write(
    `${JSON.stringify({ ...measured, changes: world.tilled.changes, events: truth?.events.length, sent: world.wire.sent, refused: world.wire.refused, killed })}\n`,
  );
  await world.close();
});

describe('5,000 changes of 500 objects at Tilled, told shuffled, twice, or never, to workers that keep dying', () => {
  it('were that many, with trouble enough', () => {
    expect(world.tilled.changes).toBeGreaterThanOrEqual(5_000);
    expect(killed).toBeGreaterThanOrEqual(4);
    expect(world.wire.lostIds.size).toBeGreaterThan(100);
    expect(world.wire.sent).toBeGreaterThan(truth.events.length * 1.1);
  });

  it('end with every payment as it is at Tilled', async () => {
    const rows = new Map((await world.rows(Payment)).map((row) => [row.tilledPaymentIntentId, row]));
    const expected = truth.intents.map((intent) => {
      const refundedMinor = sum(refundsOf(intent).filter(({ status }) => status === 'succeeded'));
      const isFailed = intent.status === 'requires_payment_method';
      return {
        id: intent.id,
        status: isFailed ? 'FAILED' : intent.status.toUpperCase(),
        capturedMinor: Math.max(intent.amount_received, refundedMinor),
        refundedMinor,
        refundReservedMinor: sum(refundsOf(intent).filter(({ status }) => status !== 'failed')),
        failureCode: isFailed ? (intent.last_payment_error?.code ?? null) : null,
      };
    });
    const found = truth.intents.map(({ id }) => {
      const row = rows.get(id);
      return row && { id, ...pick(row, ['status', 'capturedMinor', 'refundedMinor', 'refundReservedMinor', 'failureCode']) };
    });
    expect(differing(found, expected)).toEqual([]);
    expect(rows.size).toBe(truth.intents.length);
  });

  it('end with every refund and dispute as it is at Tilled', async () => {
    const refunds = (await world.rows(Refund)).map((row) => ({ id: row.tilledRefundId, status: row.status, amount: row.amountMinor }));
    const refundsThere = truth.intents.flatMap(refundsOf).map(({ id, status, amount }) => ({ id, status: status.toUpperCase(), amount }));
    expect(byId(refunds)).toEqual(byId(refundsThere));
    const disputes = (await world.rows(Dispute)).map((row) => ({ id: row.tilledDisputeId, status: row.status, amount: row.amountMinor }));
    const disputesThere = truth.disputes.map(({ id, status, amount }) => ({ id, status: status.toUpperCase(), amount }));
    expect(byId(disputes)).toEqual(byId(disputesThere));
  });

  it('end with every subscription and card as it is at Tilled', async () => {
    const methods = await world.rows(PaymentMethod);
    const tilledIds = new Map(methods.map((row) => [row.id, row.tilledPaymentMethodId]));
    const subscriptions = (await world.rows(Subscription)).map((row) => ({
      id: row.tilledSubscriptionId,
      ...{ status: row.status, price: row.priceMinor, method: tilledIds.get(row.paymentMethodId) },
      times: [row.cancelAt, row.nextPaymentAt, row.pausedAt, row.canceledAt].map((time) => time?.toISOString() ?? null),
    }));
    const there = truth.subscriptions.map((one) => ({
      id: one.id,
      ...{ status: one.status.toUpperCase(), price: one.price, method: one.payment_method_id },
      times: [one.cancel_at, one.next_payment_at, one.paused_at, one.canceled_at].map((time) => time && new Date(time).toISOString()),
    }));
    expect(differing(byId(subscriptions), byId(there))).toEqual([]);
    const attached = methods.map((row) => ({ id: row.tilledPaymentMethodId, isAttached: row.detachedAt === null }));
    const attachedThere = truth.methods.map((method) => ({ id: method.id, isAttached: method.customer_id !== null }));
    expect(byId(attached)).toEqual(byId(attachedThere));
  });

  it('leave every distinct event stored once and handled, and no work behind', async () => {
    const events = await world.rows(WebhookEvent);
    expect(events.map((event) => event.eventId).toSorted()).toEqual(truth.events.map((event) => event.id).toSorted());
    expect(events.filter((event) => event.status !== 'PROCESSED').map(({ eventId, status, error }) => [eventId, status, error])).toEqual(
      [],
    );
    expect((await world.rows(Job)).filter((job) => !SCHEDULED.includes(job.kind))).toEqual([]);
  });

  it('had exactly the lost events found by backfill', () => {
    expect(backfilled.missing).toBeGreaterThan(50);
    expect(backfilled.said).toBe(`shop: ${backfilled.missing} missing events recorded.\n`);
  });

  it('leave one unbroken chain of legal transitions for each object, none of them twice', async () => {
    const chains = new Map<string, OutboxEvent[]>();
    // The rest says who asked, what was called and what else changed.
    const transitions = (await world.rows(OutboxEvent)).filter(({ toStatus }) => toStatus !== '');
    for (const event of transitions) chains.set(event.objectId, [...(chains.get(event.objectId) ?? []), event]);
    const statuses = new Map(
      [
        ...[...(await world.rows(Payment)), ...(await world.rows(Refund))],
        ...[...(await world.rows(Subscription)), ...(await world.rows(Dispute))],
      ].map((row) => [row.id, row.status]),
    );
    const broken = [...chains.values()].flatMap((chain) =>
      chain.filter((event, index) => event.fromStatus !== (chain[index - 1]?.toStatus ?? beginningOf(event)) || !isLegal(event)),
    );
    expect(broken.map(({ type, objectId, fromStatus, toStatus }) => ({ type, objectId, fromStatus, toStatus }))).toEqual([]);
    const ends = [...chains].map(([objectId, chain]) => [objectId, chain.at(-1)?.toStatus]);
    expect(ends).toEqual(ends.map(([objectId]) => [objectId, statuses.get(String(objectId))]));
    expect(chains.size).toBeGreaterThan(500);
  });

  it('made no process complain of anything it could not do', () => {
    // What a busy machine did not store within 5 s is answered 503, and comes again like everything that was not answered 200.
    const { late = [], other = [] } = Object.groupBy(world.fleet.lines, (line) => (line.includes(TOO_LATE) ? 'late' : 'other'));
    expect(other).toEqual([]);
    expect(late.length).toBeLessThan(CHANGES_AT_LEAST / 100);
  });

  it('would have ended wrong for many an object, had the payloads been believed in the order they came', () => {
    const wrong = wrongIfPayloadsWereBelieved(world.wire.arrivals);
    measured['wrong objects of the naive strategy'] = wrong.length;
    expect(wrong.length).toBeGreaterThan(25);
  });
});

/** Customers, and 500 objects of theirs, made through the gateway as an app does; each with what will happen to it at Tilled. */
async function makeObjects(): Promise<Life[]> {
  const lives: Life[][] = [];
  await forEachOf(Array.from({ length: CUSTOMERS }), CUSTOMERS, async (_, index) => {
    lives[index] = await makeCustomer(index);
  });
  return lives.flat();
}

async function makeCustomer(index: number): Promise<Life[]> {
  const { tilled } = world;
  const { customerCreate } = await world.ask(ops.CustomerCreateDocument, { input: { email: `${index}@example.com` } });
  const customerId = customerCreate.customer?.id ?? '';
  const first = await attach(customerId, cardParams());
  const second = await attach(customerId, cardParams());
  const bank = await attach(customerId, bankParams());
  const lives: Life[] = [];
  for (let count = 0; count < EACH.cards; count += 1) {
    const card = await attach(customerId, cardParams());
    lives.push((chance) => liveAsCard(tilled, card.tilledId, chance));
  }
  for (let count = 0; count < EACH.heldPayments; count += 1) await pay({ paymentMethodId: first.id, captureMethod: 'MANUAL' });
  for (let count = 0; count < EACH.debits; count += 1) await pay({ paymentMethodId: bank.id });
  for (let count = 0; count < EACH.subscriptions; count += 1) {
    const billingCycleAnchor = count % 2 === 0 ? null : new Date(Date.now() + 30 * 24 * 60 * MINUTE_MS).toISOString();
    const price = { amountMinor: 1_000 + count, currency: 'usd' };
    await world.ask(ops.SubscriptionCreateDocument, { input: { customerId, price, paymentMethodId: first.id, billingCycleAnchor } });
  }
  return [...lives, ...(await livesOf(index, customerId, [first.tilledId, second.tilledId]))];

  function pay(input: { paymentMethodId: string; captureMethod?: 'MANUAL' }) {
    return world.ask(ops.PaymentCreateDocument, { input: { customerId, amount: { amountMinor: 5_000, currency: 'usd' }, ...input } });
  }
}

/** What will happen to the payments and subscriptions of a customer. */
async function livesOf(index: number, customerId: string, cards: readonly string[]): Promise<Life[]> {
  const { tilled, database } = world;
  const payments = await database.query(
    'select tilled_payment_intent_id as id, capture_method as method from billing_payments where customer_id = ? and subscription_id is null',
    [customerId],
  );
  const subscriptions = await database.query('select tilled_subscription_id as id from billing_subscriptions where customer_id = ?', [
    customerId,
  ]);
  if (payments.length !== EACH.heldPayments + EACH.debits) throw new Error(`Customer ${index} has ${payments.length} payments.`);
  return [
    ...payments.map(({ id, method }): Life => {
      const live = method === 'MANUAL' ? liveAsHeldPayment : liveAsDebit;
      return (chance) => live(tilled, String(id), chance);
    }),
    ...subscriptions.map(
      ({ id }): Life =>
        (chance) =>
          liveAsSubscription(tilled, String(id), cards, chance),
    ),
  ];
}

const BILLING_DETAILS = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };

function cardParams(): object {
  const card = { number: '4111111111111111', exp_month: 12, exp_year: 2039, cvc: '123' };
  return { type: 'card', card, billing_details: BILLING_DETAILS };
}

function bankParams(): object {
  const account = { account_holder_name: 'Ann Lee', account_number: '1234567890', account_type: 'checking', routing_number: '011000138' };
  return { type: 'ach_debit', ach_debit: account, billing_details: BILLING_DETAILS };
}

async function attach(customerId: string, params: object): Promise<{ id: string; tilledId: string }> {
  const { id: tilledId } = await world.tilled.ask<{ id: string }>('POST', '/v1/payment-methods', params);
  methodIds = [...methodIds, tilledId];
  const { paymentMethodAttach } = await world.ask(ops.PaymentMethodAttachDocument, {
    input: { customerId, tilledPaymentMethodId: tilledId },
  });
  return { id: paymentMethodAttach.paymentMethod?.id ?? '', tilledId };
}

/** From now on 3 % of the objects that workers ask for come slowly; 8 % do not come at all: the client asks again for most, a worker for some. */
async function beSlowAndFail(): Promise<void> {
  const operation = 'GET /v1/:kind/:id';
  const faults = [
    { probability: 0.03, delayMs: 400 },
    { probability: 0.05, status: 500 },
    { probability: 0.03, status: 503, retryAfterSeconds: 60 },
  ];
  for (const [index, fault] of faults.entries())
    await world.tilled.ask('POST', '/_sandbox/faults', { operation, seed: SEED + index, ...fault });
}

/** Kills a worker every few seconds and starts it again, and lets time pass for what its death left behind. */
function keepKilling(): { stop: () => Promise<void> } {
  let isOver = false;
  const loop = async () => {
    for (let round = 1; !isOver || killed < 4; round += 1) {
      await sleep(1_500);
      await world.letTimePass();
      if (round % 3 !== 0) continue;
      const name = `worker-${1 + (killed % 2)}`;
      await world.fleet.kill(name);
      killed += 1;
      world.fleet.startWorker(name);
    }
  };
  const running = loop();
  return {
    stop: () => {
      isOver = true;
      return running;
    },
  };
}

async function readTruth(): Promise<Truth> {
  await world.tilled.ask('POST', '/_sandbox/faults', { clear: true });
  const methods: TilledPaymentMethod[] = [];
  await forEachOf(methodIds, 8, async (id) => void methods.push(await world.tilled.ask('GET', `/v1/payment-methods/${id}`)));
  return {
    intents: await world.tilled.all<TilledPaymentIntent>('/v1/payment-intents'),
    subscriptions: await world.tilled.all<TilledSubscription>('/v1/subscriptions'),
    disputes: await world.tilled.all<TilledDispute>('/v1/disputes'),
    methods,
    events: await world.tilled.all<TilledEvent>('/v1/events'),
  };
}

async function backfill(): Promise<void> {
  const stored = new Set((await world.rows(WebhookEvent)).map((event) => event.eventId));
  const missing = truth.events.filter((event) => !stored.has(event.id)).length;
  const { status, stdout, stderr } = await billing(['webhooks', 'backfill'], world.environment, 2 * MINUTE_MS);
  if (status !== 0) throw new Error(`The backfill ended with status ${status}: ${stderr}`);
  backfilled = { missing, said: stdout };
}

/** What is left to do, in one look: an event that a worker queues is no longer waiting and already work. */
const LEFT = `select
  (select count(*) from billing_webhooks where unqueued_since is not null) +
  (select count(*) from billing_jobs where kind not in (${SCHEDULED.map((kind) => `'${kind}'`).join(', ')}) and state <> 'dead') as n`;

/** Lets time pass until nothing is left to do. */
async function settle(): Promise<void> {
  for (const until = Date.now() + 2 * MINUTE_MS; Date.now() < until; ) {
    await world.letTimePass();
    const [left] = await world.database.query(LEFT, []);
    if (Number(left?.['n']) === 0) return;
    await sleep(500);
  }
}

/** The control: an applier that believes each payload as it comes. Ids of the objects it leaves other than they are. */
function wrongIfPayloadsWereBelieved(arrivals: readonly TilledEvent[]): string[] {
  const believed = new Map<string, unknown>();
  for (const { type, data } of arrivals) {
    const object = data as { id: string };
    if (/^(payment_intent|subscription|dispute)\./.test(type)) believed.set(object.id, stateOf(object));
  }
  const objects = [...truth.intents, ...truth.subscriptions, ...truth.disputes];
  return objects.filter((object) => JSON.stringify(believed.get(object.id)) !== JSON.stringify(stateOf(object))).map(({ id }) => id);
}

function stateOf(object: object): unknown {
  return ['status', 'amount_received', 'price', 'cancel_at', 'payment_method_id'].map(
    (name) => (object as Record<string, unknown>)[name] ?? null,
  );
}

const STATES = [PAYMENT_STATES, REFUND_STATES, SUBSCRIPTION_STATES, DISPUTE_STATES] as readonly {
  readonly noun: string;
  readonly edges: Readonly<Record<string, readonly string[]>>;
}[];

function isLegal({ type, fromStatus, toStatus }: OutboxEvent): boolean {
  const states = STATES.find(({ noun }) => type === `${noun}.${toStatus.toLowerCase()}`);
  return states?.edges[fromStatus]?.includes(toStatus) === true || fromStatus === 'NEW';
}

/** Where the first transition of an object leads from: a dispute is first seen in any state. */
function beginningOf({ type }: OutboxEvent): string {
  return type.startsWith('dispute.') ? 'NEW' : 'PENDING';
}

function sum(refunds: readonly { readonly amount: number }[]): number {
  return refunds.reduce((total, { amount }) => total + amount, 0);
}

function pick<Row, Property extends keyof Row>(row: Row, properties: readonly Property[]): Partial<Row> {
  return Object.fromEntries(properties.map((property) => [property, row[property]])) as unknown as Partial<Row>;
}

function byId<Row extends { readonly id: string | null }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((one, other) => (String(one.id) < String(other.id) ? -1 : 1));
}

/** Pairs that are not alike; the whole lists would be too long to read. */
function differing(found: readonly unknown[], expected: readonly unknown[]): unknown[] {
  const pairs = Array.from({ length: Math.max(found.length, expected.length) }, (_, index) => [found[index], expected[index]]);
  return pairs.filter(([one, other]) => JSON.stringify(one) !== JSON.stringify(other)).map(([one, other]) => ({ here: one, there: other }));
}

async function timed<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  const startedAt = performance.now();
  const value = await work();
  measured[`${what} s`] = Math.trunc((performance.now() - startedAt) / 100) / 10;
  return value;
}
