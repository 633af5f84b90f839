import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut } from '../support/at-tilled.js';
import { callsOf } from '../support/keyed-calls.js';
import { type TestApp, World } from '../support/world.js';

const SIX_MINUTES = 360_000;
const REFUND = 'POST /v1/refunds';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';

describe('when the clock of the database itself is set', () => {
  const unknown = { status: 'UNKNOWN', codes: ['OUTCOME_UNKNOWN'] };
  let world: World;
  let app: TestApp;
  let calls: ReturnType<typeof callsOf>;
  let paymentId: string;

  beforeEach(async () => {
    world = await World.create({ tilledTimeoutMs: 1_000 });
    app = await world.app();
    const { customer } = await world.payer(app);
    calls = callsOf({ world, app }, customer.id);
    paymentId = (await world.payment(app, customer.id)).id;
    await world.holdDeliveries();
    // Whoever waits for the quiet time has seen the clocks run for longer than that.
    await world.settle();
    await world.advance({ ms: 400_000 });
  });
  afterEach(() => world.close());

  const set = (ms: number) => Object.assign(world.shifts, { wallMs: ms, databaseMs: ms });
  const givenBack = async () => (await atTilled(world, app, 'refunds')).map(({ amount }) => amount);
  const stateOfLast = async () => (await world.rows('billing_payments', app)).at(-1)?.['status'];

  it('six minutes ahead, an unanswered refund is not sent again before its process has seen the quiet time pass', async () => {
    await cut(world, REFUND, 'before');
    expect(await calls.refund(paymentId)).toEqual(unknown);
    set(SIX_MINUTES);
    expect(await calls.refund(paymentId)).toEqual(unknown);
    for (let looks = 0; looks < 5; looks += 1) await world.advance({ ms: 55_000 });
    expect([await givenBack(), world.sandbox.requests(REFUND).length]).toEqual([[], 1]);
    for (let looks = 0; looks < 6; looks += 1) await world.advance({ ms: 55_000 });
    expect([await givenBack(), world.sandbox.requests(REFUND).length]).toEqual([[5_000], 2]);
    expect(await calls.refund(paymentId)).toEqual({ status: 'SUCCEEDED', codes: [] });
  });

  it('six minutes ahead, a refund that is under way is given back once', async () => {
    await world.control('faults', { operation: REFUND, delayMs: 60_000, when: 'during', repeat: 'allow' });
    expect(await calls.refund(paymentId)).toEqual(unknown);
    set(SIX_MINUTES);
    expect(await calls.refund(paymentId)).toEqual(unknown);
    await world.advance({ ms: 10_000 });
    await world.control('underway', {});
    await world.advance({ ms: 10_000 });
    expect([await calls.refund(paymentId), await givenBack()]).toEqual([{ status: 'SUCCEEDED', codes: [] }, [5_000]]);
  });

  it.each([
    SIX_MINUTES,
    -SIX_MINUTES,
  ])('by %i ms while no process watched, one that starts then sends nothing again at once', async (ms) => {
    await cut(world, REFUND, 'before');
    expect(await calls.refund(paymentId)).toEqual(unknown);
    set(ms);
    await world.restart();
    expect(await calls.refund(paymentId)).toEqual(unknown);
    await world.advance({ ms: 10_000 });
    expect(await givenBack()).toEqual([]);
  });

  it('a reading of it that took too long to be one is no proof that it ran steadily', async () => {
    await cut(world, REFUND, 'before');
    expect(await calls.refund(paymentId)).toEqual(unknown);
    set(SIX_MINUTES);
    const stop = world.gateway.database.listen((sql) => {
      if (sql.endsWith(' as now_at')) world.shifts.ticksMs += 2_000;
    });
    expect(await calls.refund(paymentId)).toEqual(unknown);
    stop();
    expect(world.sandbox.requests(REFUND)).toHaveLength(1);
  });

  it('ten minutes back, what waits does not wait that much longer', async () => {
    await cut(world, CONFIRM, 'after');
    expect(await calls.pay('key')).toMatchObject(unknown);
    set(-600_000);
    await world.advance({ ms: 6_000 });
    expect(await stateOfLast()).toBe('SUCCEEDED');
  });

  it('ten minutes back, what waits is pulled forward even if the database fails that at first', async () => {
    await cut(world, CONFIRM, 'after');
    expect(await calls.pay('key')).toMatchObject(unknown);
    set(-600_000);
    let isFailing = true;
    const stop = world.gateway.database.listen((sql) => {
      if (isFailing && sql.includes("where state = 'due' and due_at >")) throw new Error('The database failed.');
    });
    await world.advance({ ms: 6_000 });
    expect(await stateOfLast()).toBe('UNKNOWN');
    isFailing = false;
    await world.advance({ ms: 6_000 });
    stop();
    expect(await stateOfLast()).toBe('SUCCEEDED');
  });
});
