import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { atTilled, cut, takenAtTilled } from '../support/at-tilled.js';
import { ClockScene, Scenario } from '../support/clock-scene.js';
import { forEachOf } from '../support/hostile-world.js';
import { callsOf, codesOf, isOver } from '../support/keyed-calls.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

const [SIX_MINUTES, FIVE_MINUTES, A_BIT] = [360_000, 300_000, 25_000];
const REFUND = 'POST /v1/refunds';
const SUBSCRIBE = 'POST /v1/subscriptions';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
/** What a request may be told before its outcome is known. */
const NOT_YET = ['IDEMPOTENCY_IN_PROGRESS', 'OUTCOME_UNKNOWN'];

/** A scene, with its world closed at the end: its books must hold, and nothing may differ from Tilled's. */
function scenario<Facts>(options: Parameters<typeof ClockScene.open>[0], play: (scene: ClockScene) => Promise<Facts>): Scenario<Facts> {
  return new Scenario(async () => {
    const scene = await ClockScene.open(options);
    try {
      return await play(scene);
    } finally {
      await scene.close();
    }
  });
}

const isSucceeded = (row: Readonly<Record<string, unknown>>) => row['status'] === 'SUCCEEDED';

/** What a process says on /readyz of its clock. */
async function clockOn({ url }: { readonly url: string }): Promise<string | null> {
  const { degraded = [] } = (await (await fetch(`${url}/readyz`)).json()) as { degraded?: readonly { what: string; reason: string }[] };
  return degraded.find(({ what }) => what === 'clock')?.reason ?? null;
}

/** Writes are carried out so much later, whatever else is asked meanwhile, and asking again would do it again. */
const slowly = (scene: ClockScene, operation: string, delayMs: number, more: object = { repeat: 'allow' }) =>
  scene.world.control('faults', { operation, delayMs, when: 'during', ...more });

const apart = scenario({ tilledTimeoutMs: 2_000, quietSeconds: 12 }, async (scene) => {
  const { world, app, fleet } = scene;
  await world.holdDeliveries();
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  const calls = callsOf(scene, customer.id);
  const [ahead, far, near, behind] = await Promise.all([
    scene.gateway('gateway', await scene.clock(SIX_MINUTES)),
    scene.worker('six minutes ahead', await scene.clock(SIX_MINUTES)),
    scene.worker('a bit ahead', await scene.clock(A_BIT)),
    scene.worker('a bit behind', await scene.clock(-A_BIT)),
  ]);
  // All have seen the clocks run for longer than the quiet time: that they know nothing of it keeps none from sending.
  await sleep(13_000);
  await slowly(scene, REFUND, 8_000);
  await slowly(scene, SUBSCRIBE, 8_000);
  const firsts = await Promise.all([calls.refund(payment.id), calls.subscribe()]);
  const refunds = scene.repeated(() => calls.refund(payment.id, ahead.url), isOver);
  const subscriptions = scene.repeated(() => calls.subscribe(ahead.url), isOver);
  fleet.startCommand('reconcile', ['reconcile', '--app', app.id]);
  const answers = (await Promise.all([refunds, subscriptions])).flat();
  const reconciled = await fleet.statusOf('reconcile');
  await cut(world, CONFIRM, 'after');
  await calls.pay('left to workers');
  await scene.until('workers have found it out', async () => (await world.rows('billing_payments', app)).every(isSucceeded));
  // What was done is counted a moment later.
  await scene.until('they have counted it', async () => (await scene.workOf(near)) + (await scene.workOf(behind)) > 0);
  return {
    firsts,
    answers,
    reconciled,
    refunds: (await atTilled(world, app, 'refunds')).map(({ amount }) => amount),
    subscriptions: (await atTilled(world, app, 'subscriptions')).map(({ status }) => status),
    ours: (await world.rows('billing_refunds', app)).map((row) => Number(row['amount_minor'])),
    clocks: { gateway: await clockOn(ahead), far: await clockOn(far), behind: await clockOn(behind) },
    skew: (await Scrape.from(ahead.url)).value('billing_clock_skew_seconds'),
    workOfFar: await scene.workOf(far),
    lines: [...fleet.lines],
  };
});

const frozen = scenario({ tilledTimeoutMs: 2_000, quietSeconds: 5 }, async (scene) => {
  const { world, app, fleet } = scene;
  await world.holdDeliveries();
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  const calls = callsOf(scene, customer.id);
  const clock = await scene.clock(0);
  // It waits for Tilled longer than it will be frozen, so that it goes on with what it was told before.
  const gateway = await scene.gateway('gateway', clock, 50_000);
  await cut(world, REFUND, 'before');
  await cut(world, CONFIRM, 'before');
  await Promise.all([calls.refund(payment.id, gateway.url), calls.pay('frozen', gateway.url)]);
  const looks = () => world.sandbox.requests('GET /v1/payment-intents/:id');
  await world.control('faults', { operation: 'GET /v1/payment-intents/:id', delayMs: 1_500, times: 2 });
  const before = looks().length;
  const stale = Promise.all([calls.refund(payment.id, gateway.url), calls.pay('frozen', gateway.url)]);
  await scene.until('it looks at Tilled', () => looks().length === before + 2);
  fleet.freeze('gateway');
  // By the wall no time passes for it.
  await clock.set(-FIVE_MINUTES);
  await scene.worker('worker', await scene.clock(0));
  await scene.until('another process has sent', async () => (await sentAgain(scene)) && (await takenAtTilled(world, app)).length === 2);
  fleet.thaw('gateway');
  const answers = await stale;
  const final = await Promise.all([
    scene.repeated(() => calls.refund(payment.id), isOver),
    scene.repeated(() => calls.pay('frozen'), isOver),
  ]);
  return {
    answers,
    final: final.map((all) => all.at(-1)?.status),
    refunds: (await atTilled(world, app, 'refunds')).map(({ amount }) => amount),
    taken: await takenAtTilled(world, app),
    requests: [REFUND, CONFIRM].map((operation) => world.sandbox.requests(operation).length),
  };
});

async function sentAgain({ world, app }: ClockScene): Promise<boolean> {
  return (await atTilled(world, app, 'refunds')).length > 0;
}

const declined = scenario({ tilledTimeoutMs: 2_000, quietSeconds: 10 }, async (scene) => {
  const { world, app } = scene;
  const customer = await world.customer(app);
  const paymentMethodId = await world.newCard(app);
  await world.card(app, customer.id, { tilledPaymentMethodId: paymentMethodId });
  const calls = callsOf(scene, customer.id);
  const [right, ahead] = await Promise.all([
    scene.gateway('gateway', await scene.clock(0), 30_000),
    scene.gateway('ahead', await scene.clock(125_000), 30_000),
    scene.worker('worker', await scene.clock(0)),
  ]);
  // The first waits for its answer.
  await slowly(scene, CONFIRM, 6_000, { repeat: 'decline' });
  const waiting = calls.pay('waits', right.url);
  await scene.until('its confirm is under way', () => world.sandbox.requests(CONFIRM).length > 0);
  const waited = await scene.repeated(() => calls.pay('waits', ahead.url), isOver);
  const first = await waiting;
  // The first has given up when the issuer begins to decline.
  await slowly(scene, CONFIRM, 6_000);
  const given = await calls.pay('gives up');
  await world.control('declines', { paymentMethodId, code: 'do_not_honor' });
  const repeated = await scene.repeated(() => calls.pay('gives up', ahead.url), isOver);
  return { first, waited, given, repeated, taken: await takenAtTilled(world, app) };
});

const stepping = scenario({ tilledTimeoutMs: 30_000, quietSeconds: 12 }, async (scene) => {
  const { world, app } = scene;
  await world.holdDeliveries();
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  const calls = callsOf(scene, customer.id);
  const clock = await scene.clock(0);
  const [machine, beside] = await Promise.all([
    scene.gateway('gateway', clock),
    scene.worker('steady', await scene.clock(0)),
    scene.worker('of the machine', clock),
  ]);
  const before = await calls.pay('before', machine.url);
  await slowly(scene, REFUND, 8_000);
  await slowly(scene, SUBSCRIBE, 8_000);
  const firsts = Promise.all([calls.refund(payment.id, machine.url), calls.subscribe(machine.url)]);
  await sleep(2_000);
  await clock.set(SIX_MINUTES);
  const repeats = Promise.all([
    scene.repeated(() => calls.refund(payment.id, machine.url), isOver),
    scene.repeated(() => calls.subscribe(machine.url), isOver),
  ]);
  const stepped = { firsts: await firsts, repeats: (await repeats).flat() };
  await clock.set(0);
  await cut(world, CONFIRM, 'after');
  const open = await calls.pay('open', machine.url);
  await sleep(2_000);
  await clock.set(-FIVE_MINUTES);
  const scrape = await Scrape.from(machine.url);
  const fromMs = performance.now();
  const ages = ['billing_unknown_oldest_seconds', 'billing_open_intents_oldest_seconds'].map((name) => scrape.value(name));
  const known = await calls.pay('before', machine.url);
  await scene.until('the queued work is done', async () => (await world.rows('billing_payments', app)).every(isSucceeded));
  const waitedMs = performance.now() - fromMs;
  await scene.until('the steady worker has counted it', async () => (await scene.workOf(beside)) > 0);
  return {
    ...{ before, stepped, open, ages, known, waitedMs },
    clockOfSteady: await clockOn(beside),
    after: await calls.pay('after', machine.url),
    refunds: (await atTilled(world, app, 'refunds')).map(({ amount }) => amount),
    subscriptions: (await atTilled(world, app, 'subscriptions')).length,
  };
});

const overtaken = scenario({ tilledTimeoutMs: 30_000, quietSeconds: 5 }, async (scene) => {
  const { world, app, fleet } = scene;
  await world.customer(app);
  const pages = () => world.sandbox.requests('GET /v1/customers');
  await world.control('faults', { operation: 'GET /v1/customers', delayMs: 1_000 });
  const before = pages().length;
  fleet.startCommand('reconcile', ['reconcile', '--app', app.id]);
  await scene.until('it lists', () => pages().length > before);
  fleet.freeze('reconcile');
  await Promise.all([scene.worker('ahead', await scene.clock(A_BIT)), scene.worker('far ahead', await scene.clock(SIX_MINUTES))]);
  await scene.until('the run was finished without it', async () =>
    (await world.rows('billing_reconciliations', app)).some((run) => run['finished_at'] !== null),
  );
  fleet.thaw('reconcile');
  return { status: await fleet.statusOf('reconcile'), lines: [...fleet.lines] };
});

const EVENTS = 'GET /v1/events';
const BACKFILL = 'webhook.backfill';

const busy = scenario({ tilledTimeoutMs: 30_000, quietSeconds: 5 }, async (scene) => {
  const { world, app } = scene;
  await world.holdDeliveries();
  const other = await world.app();
  const { customer } = await world.payer(app);
  for (let count = 0; count < 210; count += 1) await world.tilled(other, 'POST', '/v1/customers', { email: `${count}@example.com` });
  const [one, two] = await Promise.all([scene.worker('one', await scene.clock(0)), scene.worker('two', await scene.clock(0))]);
  await world.control('faults', { operation: EVENTS, delayMs: 7_000, times: 3 });
  const { database } = world.gateway;
  // Workers schedule what repeats when they start.
  await scene.until('the look is scheduled', async () => (await world.rows('billing_jobs', other)).some(({ kind }) => kind === BACKFILL));
  await database.run(`update billing_jobs set due_at = ${database.time.now} where app_id = ? and kind = ?`, [other.id, BACKFILL]);
  await scene.until('the first look has begun', () => world.sandbox.requests(EVENTS).length > 0);
  await world.control('faults', { operation: 'GET /v1/customers/:id', delayMs: 400, times: 5_000 });
  await queueLooks(world, other, 2_500);
  await cut(world, CONFIRM, 'after');
  const fromMs = performance.now();
  const paid = await callsOf(scene, customer.id).pay('beside');
  await scene.until('it is known', async () => (await world.rows('billing_payments', app))[0]?.['status'] === 'SUCCEEDED');
  const settledMs = performance.now() - fromMs;
  const left = (await world.rows('billing_jobs', other)).length;
  const worked = [await scene.workOf(one), await scene.workOf(two)];
  await database.run("delete from billing_jobs where app_id = ? and subject like 'cus_none_%'", [other.id]);
  await scene.until('the first look has ended', async () => {
    const cursors = await world.rows('billing_cursors', other);
    return cursors.some(({ id }) => id === 'tilled.events');
  });
  await sleep(2_000);
  return { paid, settledMs, left, worked, pages: world.sandbox.requests(EVENTS).length };
});

/** So many customers of an app to look at again, due now; Tilled does not know them. */
async function queueLooks({ gateway }: World, app: TestApp, count: number): Promise<void> {
  const { now } = gateway.database.time;
  const row = `(?, ?, 'sync.customer', ?, 1, 'due', ${now}, 0, 1, 0, 0, ${now})`;
  const columns = '(app_id, id, kind, subject, priority, state, due_at, fence, wanted, attempts, sends, created_at)';
  for (let from = 0; from < count; from += 500) {
    const values = Array.from({ length: 500 }, (_, index) => [app.id, `job_backlog_${from + index}`, `cus_none_${from + index}`]).flat();
    await gateway.database.run(`insert into billing_jobs ${columns} values ${Array(500).fill(row).join(', ')}`, values);
  }
}

/** All scenarios together, on a machine that is busy with other tests. */
const PLAYED_MS_MAX = 400_000;

beforeAll(async () => {
  // Most of their time they wait; more of them at once would keep each other from being on time.
  await forEachOf<Scenario<unknown>>([apart, frozen, busy, stepping, declined, overtaken], 3, (one) => one.run());
}, PLAYED_MS_MAX);

describe('while clocks differ by up to six minutes, and Tilled takes 8 s for what nobody hears the answer of', () => {
  it('a refund is given back once, and the books say the same', async () => {
    const { firsts, refunds, ours } = await apart.told();
    expect(firsts[0]).toMatchObject({ status: 'UNKNOWN', codes: ['OUTCOME_UNKNOWN'] });
    expect([refunds, ours]).toEqual([[5_000], [5_000]]);
  });

  it('a subscription is made once', async () => {
    expect((await apart.told()).subscriptions).toEqual(['active']);
  });

  it('the same key at a gateway that is six minutes ahead is told nothing but "not yet" before the outcome', async () => {
    const { answers } = await apart.told();
    expect(codesOf(answers).filter((code) => !NOT_YET.includes(code))).toEqual([]);
  });

  it('a worker that is six minutes ahead takes no work and says so once; others that are 25 s away do it', async () => {
    const { workOfFar, lines } = await apart.told();
    expect(workOfFar).toBe(0);
    expect(lines.filter((line) => line.includes('no work is taken'))).toHaveLength(1);
  });

  it('who is 5 s off or more says so on /readyz and in its metrics, gateway or worker; one that is right does not', async () => {
    const { clocks, skew } = await apart.told();
    expect([clocks.gateway, clocks.far]).toEqual(Array(2).fill(expect.stringMatching(/ is (359|360)\.\d s ahead of /)));
    expect(clocks.behind).toMatch(/ is 2[45]\.\d s behind /);
    expect(Math.abs((skew ?? 0) - 360)).toBeLessThan(2);
    expect((await stepping.told()).clockOfSteady).toBeNull();
  });

  it('billing reconcile ends with status 0', async () => {
    expect((await apart.told()).reconciled).toBe(0);
  });
});

describe('a process that was frozen after it looked, until another one had sent', () => {
  it('sends nothing more: one refund, and one charge for the payment beside it', async () => {
    const { refunds, taken, requests } = await frozen.told();
    expect(refunds).toEqual([5_000]);
    expect(taken.sort()).toEqual([0, 4_200]);
    // The payment that was refunded, the two that were cut off, and the two of the other process.
    expect(requests).toEqual([2, 3]);
  });

  it('tells its callers no failure, and their keys the outcome', async () => {
    const { answers, final } = await frozen.told();
    expect(codesOf(answers).filter((code) => !NOT_YET.includes(code))).toEqual([]);
    expect(final).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  });
});

describe('a confirm that takes 6 s, with its key at a gateway whose clock is 125 s ahead and an issuer that declines another', () => {
  it('is never told as declined, whether the first caller waits for it or gave up', async () => {
    const { first, waited, given, repeated } = await declined.told();
    expect([first.status, waited.at(-1)?.status, given.status, repeated.at(-1)?.status]).toEqual([
      'SUCCEEDED',
      'SUCCEEDED',
      'UNKNOWN',
      'SUCCEEDED',
    ]);
    expect(codesOf([...waited, ...repeated]).filter((code) => !NOT_YET.includes(code))).toEqual([]);
    expect([waited.length > 2, repeated.length > 2]).toEqual([true, true]);
  });

  it('is charged once', async () => {
    expect((await declined.told()).taken).toEqual([4_200, 4_200]);
  });
});

describe('when the clock of a machine steps', () => {
  it('six minutes ahead amid a refund and a subscription: each is made once, and its key is told so', async () => {
    const { stepped, refunds, subscriptions } = await stepping.told();
    expect(stepped.firsts.map(({ codes }) => codes)).toEqual([[], []]);
    expect(codesOf(stepped.repeats).filter((code) => !NOT_YET.includes(code))).toEqual([]);
    expect([refunds, subscriptions]).toEqual([[5_000], 1]);
  });

  it('five minutes back: what is known is answered, and new payments are taken', async () => {
    const { before, known, after } = await stepping.told();
    expect([before, known]).toMatchObject([
      { status: 'SUCCEEDED', codes: [], replayed: false },
      { status: 'SUCCEEDED', codes: [], replayed: true },
    ]);
    expect(after).toMatchObject({ status: 'SUCCEEDED', codes: [] });
  });

  it('five minutes back: what is queued goes on elsewhere within seconds, and ages do not fall to 0', async () => {
    const { open, ages, waitedMs } = await stepping.told();
    expect(open).toMatchObject({ status: 'UNKNOWN', codes: ['OUTCOME_UNKNOWN'] });
    for (const age of ages) {
      expect(age).toBeGreaterThan(1);
      expect(age).toBeLessThan(60);
    }
    expect(waitedMs).toBeLessThan(15_000);
  });
});

describe('billing reconcile that others overtake while it is frozen', () => {
  it('goes on, and ends with status 0 and its report instead of a stack', async () => {
    const { status, lines } = await overtaken.told();
    expect([status, lines.filter((line) => line.includes('objects looked at'))]).toEqual([
      0,
      [expect.stringContaining('differences found')],
    ]);
    expect(lines.filter((line) => /LeaseLost|lost to another|^\s+at /.test(line))).toEqual([]);
  });
});

describe('beside a first look for webhooks of 21 s and 2,500 looks of another app', () => {
  it('a payment whose answer was lost is known as soon as without them', async () => {
    const { paid, settledMs, left } = await busy.told();
    expect(paid.codes).toEqual(['OUTCOME_UNKNOWN']);
    // It is looked at 5 s after it was asked for.
    expect(settledMs).toBeLessThan(7_800);
    expect(left).toBeGreaterThan(500);
  });

  it('no page is asked for twice, though each lease of the look is long over', async () => {
    const { pages, worked } = await busy.told();
    expect(pages).toBe(3);
    expect(Math.min(...worked)).toBeGreaterThan(0);
  });
});
