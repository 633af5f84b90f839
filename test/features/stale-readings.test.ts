import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const CREATE = 'POST /v1/payment-intents';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const READ = 'GET /v1/payment-intents/:id';

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create({ tilledTimeoutMs: 20_000 });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  await world.settle();
});
afterAll(() => world.close());

describe('a reading of Tilled that was begun before a payment was taken and comes after it', () => {
  it('takes nothing of it back: the payment can be refunded at once', async () => {
    const [created, read] = [world.sandbox.requests(CREATE).length, world.sandbox.requests(READ).length];
    await world.control('faults', { operation: CONFIRM, delayMs: 1_500, times: 1 });
    await world.control('faults', { operation: READ, when: 'after', delayMs: 3_000, times: 1 });
    const paying = world.payment(app, customerId);
    await world.until(async () => world.sandbox.requests(CREATE).length > created);
    await world.sandbox.drain();
    await world.holdDeliveries();
    const working = world.gateway.worker.drain();
    await world.until(async () => world.sandbox.requests(READ).length > read);
    const { id, status } = await paying;
    expect(status).toBe('SUCCEEDED');
    expect(await working).toBeGreaterThan(0);
    const { payment } = await world.ask(app, ops.PaymentDocument, { id });
    expect(payment).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 5_000 } });
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: id } });
    expect(refundCreate).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
    await world.resumeDeliveries();
    await world.settle();
  });
});
