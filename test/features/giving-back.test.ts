import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import * as ops from '../support/operations.generated.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const READ = 'GET /v1/payment-intents/:id';

let world: World;
let app: TestApp;
let customerId: string;
let next: GatewayBeside;
let tests = 0;

beforeAll(async () => {
  world = await World.create({ tilledTimeoutMs: 20_000 });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  next = await world.anotherGateway();
});
afterAll(async () => {
  await next.close();
  await world.close();
});

beforeEach(async () => {
  tests += 1;
  await world.settle();
});

const amount = { amountMinor: 4_200, currency: 'usd' };
const request = () => ({ input: { customerId, amount, idempotencyKey: `key ${tests}` } });
const codesOf = (userErrors: readonly { readonly code: string }[]) => userErrors.map(({ code }) => code);

/** Pays at the gateway that is about to end. */
const pay = async () => codesOf((await world.ask(app, ops.PaymentCreateDocument, request())).paymentCreate.userErrors);

/** Repeats it with the same key at the gateway that comes after. */
async function repeat(): Promise<{ codes: string[]; status: string | undefined }> {
  const body = { query: print(ops.PaymentCreateDocument), variables: request() };
  const { data } = await next.post<ops.PaymentCreateMutation>(body, app.key);
  const { userErrors = [], payment } = data?.paymentCreate ?? {};
  return { codes: codesOf(userErrors), status: payment?.status };
}

/** The gateway has waited for as long as it may, and ends. */
const end = () => world.gateway.leases.giveBack();
const seen = (operation: string) => world.sandbox.requests(operation).length;
const isAtTilled = async () => ((await world.control('underway')) as { underWay: unknown[] }).underWay.length > 0;

describe('a process that ends before its work does', () => {
  it('hands a payment on of which nothing is under way: the next process takes it at once, and once only', async () => {
    const confirmed = seen(CONFIRM);
    await world.control('faults', { operation: CONFIRM, status: 429, times: 1 });
    expect(await pay()).toEqual(['OUTCOME_UNKNOWN']);
    await world.control('faults', { operation: READ, delayMs: 1_500, times: 1 });
    const before = seen(READ);
    const cutOff = pay();
    await world.until(async () => seen(READ) > before);
    await expect(repeat()).resolves.toMatchObject({ codes: ['IDEMPOTENCY_IN_PROGRESS'] });
    await end();
    expect(await repeat()).toEqual({ codes: [], status: 'SUCCEEDED' });
    // The one that was cut off gets its answer after all, and finds that it may send nothing any more.
    await cutOff;
    expect(seen(CONFIRM)).toBe(confirmed + 2);
    expect(await pay()).toEqual([]);
  });

  it('says of a payment that was sent and not answered that it may be under way: the next process only looks', async () => {
    const confirmed = seen(CONFIRM);
    await world.control('faults', { operation: CONFIRM, times: 1, when: 'during', delayMs: 600_000, repeat: 'allow', cancel: 'allow' });
    const cutOff = pay();
    await world.until(isAtTilled);
    await end();
    expect(await repeat()).toEqual({ codes: ['OUTCOME_UNKNOWN'], status: 'UNKNOWN' });
    expect(seen(CONFIRM)).toBe(confirmed + 1);
    await world.control('underway', {});
    await cutOff;
    expect(await repeat()).toEqual({ codes: [], status: 'SUCCEEDED' });
    expect(seen(CONFIRM)).toBe(confirmed + 1);
  });

  it('hands a job on that only reads: the next worker does it at once', async () => {
    await world.payment(app, customerId);
    await world.sandbox.drain();
    await world.control('faults', { operation: READ, delayMs: 1_500, times: 1 });
    const before = seen(READ);
    const cutOff = world.gateway.worker.drain();
    await world.until(async () => seen(READ) > before);
    await end();
    expect(await next.gateway.worker.drain()).toBeGreaterThan(0);
    const { webhookEvents } = await world.ask(app, ops.WebhookEventsDocument, { first: 100, status: ['RECEIVED', 'FAILED'] });
    expect(webhookEvents.nodes).toEqual([]);
    await cutOff;
  });

  it('holds nothing any more once its work has ended by itself', async () => {
    expect(await pay()).toEqual([]);
    await world.gateway.leases.whenFree();
    expect(await world.statements(end)).toEqual([]);
  });
});
