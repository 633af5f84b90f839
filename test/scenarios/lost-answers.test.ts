import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import { takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
/** How long Tilled goes on with a confirm after we stopped waiting, in steps up to two minutes, s. */
const DELAYS_S = [0, 1, 2, 4, 8, 15, 30, 60, 90, 120];
const AMOUNT = 4_200;
/** Beyond the quiet time, s: by then everything is decided. */
const DECIDED_S = 400;

interface Told {
  readonly status: string | undefined;
  readonly codes: readonly string[];
}

describe.each(['with webhooks', 'without webhooks'])('a payment whose answer is lost, %s', (webhooks) => {
  let world: World;
  /** Waits long enough for Tilled on any machine. */
  let patient: GatewayBeside;

  beforeAll(async () => {
    world = await World.create({ tilledTimeoutMs: 150 });
    patient = await world.anotherGateway();
    if (webhooks === 'without webhooks') await world.control('webhooks', { paused: true });
  });
  afterAll(async () => {
    await patient.close();
    await world.close();
  });

  async function payer(app: TestApp): Promise<{ customerId: string; tilledPaymentMethodId: string }> {
    const made = await patient.post<ops.CustomerCreateMutation>(
      { query: print(ops.CustomerCreateDocument), variables: { input: { email: 'ann@example.com' } } },
      app.key,
    );
    const customerId = made.data?.customerCreate.customer?.id ?? '';
    const tilledPaymentMethodId = await world.newCard(app);
    const input = { customerId, tilledPaymentMethodId };
    const { data } = await patient.post<ops.PaymentMethodAttachMutation>(
      { query: print(ops.PaymentMethodAttachDocument), variables: { input } },
      app.key,
    );
    expect(data?.paymentMethodAttach.userErrors).toEqual([]);
    return input;
  }

  async function pay(app: TestApp, customerId: string): Promise<Told> {
    const input = { customerId, amount: { amountMinor: AMOUNT, currency: 'usd' }, idempotencyKey: 'order' };
    const { payment, userErrors } = (await world.ask(app, ops.PaymentCreateDocument, { input })).paymentCreate;
    return { status: payment?.status, codes: userErrors.map(({ code }) => code) };
  }

  /** Asks with the same key each second until the answer is definite, and a little longer; all it was told, the confirm carried out on the way. */
  async function askEachSecond(app: TestApp, customerId: string, carriedOutAfterS: number): Promise<Told[]> {
    const told = [await pay(app, customerId)];
    for (let second = 0; second < DECIDED_S; second += 1) {
      if (second === carriedOutAfterS) await world.control('underway', {});
      await world.advance({ ms: 1_000 });
      told.push(await pay(app, customerId));
      if (second > carriedOutAfterS + 1 && told.slice(-2).every(isDefinite)) break;
    }
    return told;
  }

  it.each(DELAYS_S)('costs one charge when it is carried out %i s late, and is never called failed', async (seconds) => {
    const app = await world.app();
    const { customerId } = await payer(app);
    await world.control('faults', { operation: CONFIRM, when: 'during', delayMs: 600_000, repeat: 'decline' });
    const told = await askEachSecond(app, customerId, seconds);
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
    expect(told.at(-1)).toEqual({ status: 'SUCCEEDED', codes: [] });
    expect(told.filter(isFailure)).toEqual([]);
    expect(told[0]).toEqual({ status: 'UNKNOWN', codes: ['OUTCOME_UNKNOWN'] });
  });

  it.each([1, 15])('that is declined %i s late costs nothing, and is called failed once that is final, for good', async (seconds) => {
    const app = await world.app();
    const { customerId, tilledPaymentMethodId } = await payer(app);
    await world.control('declines', { paymentMethodId: tilledPaymentMethodId, code: 'insufficient_funds' });
    await world.control('faults', { operation: CONFIRM, when: 'during', delayMs: 600_000 });
    const told = await askEachSecond(app, customerId, seconds);
    const firstDefinite = told.findIndex(isDefinite);
    expect(firstDefinite).toBeGreaterThan(seconds);
    expect(told.slice(firstDefinite)).toEqual(told.slice(firstDefinite).map(() => ({ status: 'FAILED', codes: ['PAYMENT_DECLINED'] })));
    expect(await takenAtTilled(world, app)).toEqual([]);
  });
});

function isDefinite({ codes }: Told): boolean {
  return !codes.some((code) => code === 'OUTCOME_UNKNOWN' || code === 'IDEMPOTENCY_IN_PROGRESS');
}

function isFailure({ status, codes }: Told): boolean {
  return status === 'FAILED' || codes.includes('PAYMENT_DECLINED') || codes.includes('PROCESSOR_REJECTED');
}
