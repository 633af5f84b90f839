import { afterEach, describe, expect, it } from '@jest/globals';
import { atTilled } from '../support/at-tilled.js';
import { MortalGateway } from '../support/mortal-gateway.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const CREATE = 'POST /v1/payment-intents';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const LEASE_ENDS_MS = 16_000;
const SIX_MINUTES_MS = 360_000;
const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

let world: World;
let app: TestApp;
let customerId: string;

async function begin(tilledTimeoutMs: number): Promise<void> {
  world = await World.create({ tilledTimeoutMs });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
}
afterEach(() => world.close());

/** Sends a request, always with its key; gives what is wrong with it. */
type Send = () => Promise<string[]>;
type Payload = { readonly userErrors: readonly { readonly code: string }[] };
const codesIn = ({ userErrors }: Payload) => userErrors.map(({ code }) => code);

const pay: Send = async () => {
  const input = { customerId, amount: usd(4_200), idempotencyKey: 'key' };
  return codesIn((await world.ask(app, ops.PaymentCreateDocument, { input })).paymentCreate);
};

/** Writes at Tilled, what leads to each, and the requests that do. */
const WRITES: Readonly<Record<string, { readonly operation: string; readonly ready: () => Promise<Send> }>> = {
  'a confirm': { operation: CONFIRM, ready: async () => pay },
  'a capture': {
    operation: 'POST /v1/payment-intents/:id/capture',
    ready: async () => {
      const { id } = await world.payment(app, customerId, { captureMethod: 'MANUAL' });
      return async () =>
        codesIn((await world.ask(app, ops.PaymentCaptureDocument, { input: { id, idempotencyKey: 'key' } })).paymentCapture);
    },
  },
  'a refund': {
    operation: 'POST /v1/refunds',
    ready: async () => {
      const { id } = await world.payment(app, customerId);
      const input = { paymentId: id, idempotencyKey: 'key' };
      return async () => codesIn((await world.ask(app, ops.RefundCreateDocument, { input })).refundCreate);
    },
  },
  'a subscription': {
    operation: 'POST /v1/subscriptions',
    ready: async () => {
      const input = { customerId, price: usd(900), idempotencyKey: 'key' };
      return async () => codesIn((await world.ask(app, ops.SubscriptionCreateDocument, { input })).subscriptionCreate);
    },
  },
};

/** What happens while the write is under way. */
const MEANWHILE: Readonly<Record<string, (send: Send) => Promise<void>>> = {
  'its key is repeated for three minutes': async (send) => {
    expect(await send()).toEqual(['OUTCOME_UNKNOWN']);
    for (let repeats = 0; repeats < 9; repeats += 1) {
      await world.advance({ ms: 20_000 });
      expect(['OUTCOME_UNKNOWN', 'IDEMPOTENCY_IN_PROGRESS']).toContain((await send())[0]);
    }
  },
  'the clock of the database is set ahead': async (send) => {
    expect(await send()).toEqual(['OUTCOME_UNKNOWN']);
    Object.assign(world.shifts, { wallMs: SIX_MINUTES_MS, databaseMs: SIX_MINUTES_MS });
    await world.advance({ ms: 6_000 });
    expect(await send()).toEqual(['OUTCOME_UNKNOWN']);
  },
  'its process dies': async (send) => {
    const mortal = new MortalGateway(world);
    const first = mortal.survived(send);
    await world.until(isUnderWay);
    mortal.dieAt(1);
    await mortal.survived(() => world.gateway.database.query('select 1', []));
    await mortal.revive();
    expect(await first).toBeNull();
    await world.advance({ ms: LEASE_ENDS_MS });
    expect(await send()).toEqual(['OUTCOME_UNKNOWN']);
    await world.advance({ ms: LEASE_ENDS_MS });
  },
};

async function isUnderWay(): Promise<boolean> {
  return ((await world.control('underway')) as { underWay: unknown[] }).underWay.length > 0;
}

describe('what is under way at Tilled, where a second would be carried out too', () => {
  const cases = Object.keys(WRITES).flatMap((write) => Object.keys(MEANWHILE).map((meanwhile) => [write, meanwhile] as const));

  it.each(cases)('%s is sent once although %s', async (write, meanwhile) => {
    await begin(1_000);
    const { operation, ready } = WRITES[write] ?? { operation: '', ready: async () => pay };
    const send = await ready();
    const sent = () => world.sandbox.requests(operation).length;
    await world.control('faults', { operation, when: 'during', delayMs: 600_000, repeat: 'allow', cancel: 'allow' });
    await MEANWHILE[meanwhile]?.(send);
    await world.control('underway', {});
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await send()).toEqual([]);
    expect(sent()).toBe(1);
  });
});

describe('a process that waits for longer than a lease lasts', () => {
  const passMs = (ms: number) => world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + ms));
  const leaseEndsAt = async () => (await world.rows('billing_jobs', app))[0]?.['due_at'];

  /** The first request, held up at Tilled; `meanwhile` comes before Tilled answers. */
  async function slow(fault: object, meanwhile: () => Promise<unknown>): Promise<string[]> {
    await begin(20_000);
    await world.control('faults', { operation: CREATE, when: 'during', delayMs: 600_000, repeat: 'allow', ...fault });
    const first = pay();
    await world.until(isUnderWay);
    await meanwhile();
    await world.control('underway', {});
    return first;
  }

  it('keeps its work for as long as it lives', async () => {
    const renewed = async () => {
      const before = String(await leaseEndsAt());
      await passMs(LEASE_ENDS_MS / 2);
      await world.until(async () => String(await leaseEndsAt()) !== before);
    };
    const meanwhile = async () => {
      for (let halves = 0; halves < 3; halves += 1) await renewed();
      await world.settle();
    };
    expect(await slow({}, meanwhile)).toEqual([]);
    expect(world.sandbox.requests(CONFIRM)).toHaveLength(1);
  });

  it('does not take the payment any more if it was not renewed: who holds the work does, once', async () => {
    expect(await slow({}, () => passMs(LEASE_ENDS_MS))).toEqual(['OUTCOME_UNKNOWN']);
    expect(world.sandbox.requests(CONFIRM)).toEqual([]);
    await world.advance({ ms: SIX_MINUTES_MS });
    expect(await pay()).toEqual([]);
    expect(world.sandbox.requests(CONFIRM)).toHaveLength(1);
  });

  it('does not call a payment failed that another took meanwhile', async () => {
    expect(await slow({ status: 400 }, () => world.advance({ ms: LEASE_ENDS_MS }))).toEqual(['OUTCOME_UNKNOWN']);
    expect(await pay()).toEqual([]);
    expect(await world.rows('billing_payments', app)).toMatchObject([{ status: 'SUCCEEDED' }]);
    const charges = (await atTilled(world, app, 'charges')).filter(({ status }) => status === 'succeeded');
    expect(charges).toHaveLength(1);
  });
});
