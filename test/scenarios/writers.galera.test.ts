import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import { CustomerRepository } from '../../src/billing/customers/customer.repository.js';
import { CursorRepository } from '../../src/platform/cursors.js';
import { atTilled, takenAtTilled } from '../support/at-tilled.js';
import { GaleraCluster, type GaleraNode } from '../support/galera-cluster.mjs';
import * as ops from '../support/operations.generated.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

/** How often twenty refunds of one payment are asked for. */
const ROUNDS = 50;
/** How often two requests meet, in tests of what must not happen to both. */
const MEETINGS = 30;
/** A refund sends more statements than this. */
const STATEMENTS_OF_A_REFUND = 10;
/** What a caller may be told who has to repeat. */
const REPEAT = ['UNAVAILABLE', 'IDEMPOTENCY_IN_PROGRESS'];

let cluster: GaleraCluster;
let world: World;
let app: TestApp;
/** One a node. */
let gateways: GatewayBeside[];

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  world = await World.create({ scratch: { url: cluster.nodes[0].url, drop: async () => undefined }, clock: 'running' });
  app = await world.app();
  gateways = await Promise.all(cluster.nodes.map(({ url }) => world.anotherGateway({ url })));
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await cluster.whole();
  await world.settle();
  const report = await world.gateway.reconciliation.run.runNow(await world.scope(app));
  expect(report).toMatchObject({ found: 0 });
  await world.close();
  await cluster.close();
});

describe('gateways that write on three nodes of one cluster', () => {
  it('give back what was paid and no more, however many refunds of one payment are asked for at once', async () => {
    const { customer } = await world.payer(app);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id: paymentId } = await world.payment(app, customer.id);
      await world.control('batch', {});
      const asked = await Promise.all(
        Array.from({ length: 20 }, (_, at) => {
          const input = { paymentId, amount: { amountMinor: 400, currency: 'usd' }, idempotencyKey: `${paymentId}-${at}` };
          return insist(at % 3, ops.RefundCreateDocument, { input }, ({ refundCreate }) => refundCreate);
        }),
      );
      const refused = asked.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
      expect(refused).toEqual(Array(8).fill('REFUND_TOO_LARGE'));
    }
    await world.settle();
    const payments = await world.rows('billing_payments', app);
    expect(payments.map(({ refunded_minor, refund_reserved_minor }) => [refunded_minor, refund_reserved_minor])).toEqual(
      payments.map(() => [4_800, 4_800]),
    );
    expect(await takenAtTilled(world, app)).toEqual(payments.map(() => 200));
  });

  it('give back what is asked for whichever statement of a new process another node overtakes', async () => {
    const { customer } = await world.payer(app);
    const [overtaken, other] = cluster.nodes;
    let overtakenAt = 0;
    for (let isOvertaken = true; isOvertaken; overtakenAt += 1) {
      const newcomer = await world.anotherGateway({ url: overtaken.url });
      const { id: paymentId } = await world.payment(app, customer.id);
      let heard = 0;
      const stop = newcomer.gateway.database.listen(() => {
        if (heard === overtakenAt) overtake(other, overtaken, paymentId);
        heard += 1;
      });
      const input = { paymentId, amount: { amountMinor: 400, currency: 'usd' }, idempotencyKey: `${paymentId}-overtaken` };
      const answer = await newcomer.post({ query: print(ops.RefundCreateDocument), variables: { input } }, app.key);
      stop();
      await newcomer.close();
      isOvertaken = heard > overtakenAt;
      expect(answer).toMatchObject({ data: { refundCreate: { userErrors: [], refund: { amount: { amountMinor: 400 } } } } });
    }
    expect(overtakenAt).toBeGreaterThan(STATEMENTS_OF_A_REFUND);
  });

  it('take one payment for one key, and one for one reference, whoever is asked', async () => {
    const { customer } = await world.payer(app);
    const before = (await atTilled(world, app, 'charges')).length;
    for (let round = 0; round < 10; round += 1) {
      const made = { customerId: customer.id, amount: { amountMinor: 700, currency: 'usd' }, referenceId: `order-${round}` };
      const asked = await Promise.all(
        Array.from({ length: 9 }, (_, at) => {
          const input = { ...made, ...(at % 2 === 0 && { idempotencyKey: `key-${round}` }) };
          return insist(at % 3, ops.PaymentCreateDocument, { input }, ({ paymentCreate }) => paymentCreate);
        }),
      );
      expect(new Set(asked.map(({ payment }) => payment?.id)).size).toBe(1);
    }
    expect((await atTilled(world, app, 'charges')).length - before).toBe(10);
  });

  it('decide once under a lock that two of them hold at the same time', async () => {
    const { id } = await world.customer(app);
    const bothHoldIt = Promise.withResolvers<void>();
    let holding = 0;
    const decide = async ({ gateway }: GatewayBeside, name: string) => {
      const scope = await gateway.access.scopeOf(app.id, { kind: 'command' }, { requestId: name });
      await scope?.transaction(async (tx) => {
        await CustomerRepository.of(tx).lock(id);
        const decided = await CursorRepository.of(tx).startingWith('only-one');
        holding += 1;
        if (holding === 2) bothHoldIt.resolve();
        await bothHoldIt.promise;
        if (decided.length === 0) await CursorRepository.of(tx).moveTo(name, '');
      });
    };
    await Promise.all(gateways.slice(1).map((gateway, at) => decide(gateway, `only-one-${at}`)));
    await cluster.whole();
    const decided = (await world.rows('billing_cursors', app)).filter((cursor) => String(cursor.id).startsWith('only-one'));
    expect(decided).toHaveLength(1);
    expect(holding).toBe(3);
  });

  it('begin one of two ends of a payment, and one of two changes of a subscription', async () => {
    const { customer } = await world.payer(app);
    const { id: subscriptionId } = await world.subscription(app, customer.id);
    await world.settle();
    for (let meeting = 0; meeting < MEETINGS; meeting += 1) {
      const { id } = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
      const ends = await Promise.all([
        insist(1, ops.PaymentCaptureDocument, { input: { id } }, ({ paymentCapture }) => paymentCapture),
        insist(2, ops.PaymentCancelDocument, { input: { id } }, ({ paymentCancel }) => paymentCancel),
      ]);
      expect(begun(ends)).toBe(1);
      const expectedVersion = await versionOf(subscriptionId);
      const changes = await Promise.all(
        [2_000, 9_000].map((price, at) => {
          const input = { id: subscriptionId, price: { amountMinor: price + meeting, currency: 'usd' }, expectedVersion };
          return insist(1 + at, ops.SubscriptionUpdateDocument, { input }, ({ subscriptionUpdate }) => subscriptionUpdate);
        }),
      );
      expect(begun(changes)).toBe(1);
    }
  });

  it('let a payment method go, or a subscription have it, new or old, but not both', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    for (let meeting = 0; meeting < MEETINGS; meeting += 1) {
      const { id: paymentMethodId } = await world.card(app, customer.id);
      const price = { amountMinor: 1_000, currency: 'usd' };
      const met = await Promise.all([
        meeting % 2 === 0
          ? insist(1, ops.SubscriptionUpdateDocument, { input: { id, paymentMethodId } }, ({ subscriptionUpdate }) => subscriptionUpdate)
          : insist(
              1,
              ops.SubscriptionCreateDocument,
              { input: { customerId: customer.id, paymentMethodId, price } },
              ({ subscriptionCreate }) => subscriptionCreate,
            ),
        insist(2, ops.PaymentMethodDetachDocument, { input: { id: paymentMethodId } }, ({ paymentMethodDetach }) => paymentMethodDetach),
      ]);
      expect(begun(met)).toBe(1);
    }
  });

  it('make every change of one customer, however many there are at once', async () => {
    const customer = await world.customer(app);
    const changed = await Promise.all(
      Array.from({ length: 9 }, async (_, writer) => {
        for (let at = 0; at < 10; at += 1) {
          const input = { id: customer.id, metadata: { [`key-${writer}`]: String(at) } };
          const { userErrors } = await insist(writer % 3, ops.CustomerUpdateDocument, { input }, ({ customerUpdate }) => customerUpdate);
          expect(userErrors).toEqual([]);
        }
      }),
    );
    expect(changed).toHaveLength(9);
    await cluster.whole();
    const [{ metadata } = {}] = (await world.rows('billing_customers', app)).filter(({ id }) => id === customer.id);
    expect(JSON.parse(String(metadata))).toEqual(Object.fromEntries(Array.from({ length: 9 }, (_, writer) => [`key-${writer}`, '9'])));
  });

  it('read at once what another of them has written', async () => {
    for (let at = 0; at < 60; at += 1) {
      const input = { email: `reader-${at}@example.com` };
      const { customer } = await insist(at % 3, ops.CustomerCreateDocument, { input }, ({ customerCreate }) => customerCreate);
      const read = await gateways[(at + 1) % 3]?.post<{ customer: { email: string } | null }>(
        { query: 'query ($id: ID!) { customer(id: $id) { email } }', variables: { id: customer?.id } },
        app.key,
      );
      expect(read?.data?.customer?.email).toBe(input.email);
    }
  });
});

interface Payload {
  readonly userErrors: readonly { readonly code: string }[];
}

/** Asks the gateway of one node until it says something else than to repeat. Throws for what nobody should be told. */
async function insist<Data, Variables, Answered extends Payload>(
  node: number,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  payloadOf: (data: Data) => Answered,
): Promise<Answered> {
  for (;;) {
    const answer = await gateways[node]?.post<Data>({ query: print(document), variables }, app.key);
    const payload = answer?.data ? payloadOf(answer.data) : null;
    const code = answer?.errors?.[0]?.extensions.code ?? payload?.userErrors[0]?.code ?? 'OK';
    if (!REPEAT.includes(code)) {
      if (payload === null) throw new Error(`Node ${node} said ${JSON.stringify(answer)}`);
      return payload;
    }
    await sleep(100 * Math.random());
  }
}

/** While this process waits: writes a payment through one node, and sees that another has it. */
function overtake(by: GaleraNode, whom: GaleraNode, paymentId: string): void {
  const script = `
    const { createConnection } = require('mysql2/promise');
    (async ([by, whom, id]) => {
      const writer = await createConnection(by);
      await writer.query('UPDATE billing_payments SET updated_at = updated_at + INTERVAL 1 SECOND WHERE id = ?', [id]);
      const reader = await createConnection(whom);
      await reader.query('SET wsrep_sync_wait = 1');
      await reader.query('SELECT 1 FROM billing_payments WHERE id = ?', [id]);
      process.exit();
    })(process.argv.slice(1));`;
  execFileSync(process.execPath, ['-e', script, by.url, whom.url, paymentId], { timeout: 20_000 });
}

/** As the books have it now. */
async function versionOf(id: string): Promise<number> {
  return Number((await world.rows('billing_subscriptions', app)).find((row) => row.id === id)?.version);
}

/** How many were begun; the others were refused by us, before Tilled was asked. */
function begun(payloads: readonly Payload[]): number {
  const codes = payloads.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
  expect(codes.filter((code) => !OURS.includes(code))).toEqual([]);
  return payloads.filter(({ userErrors }) => userErrors.length === 0).length;
}

/** What we refuse with, before Tilled is asked. */
const OURS = ['CONFLICT', 'STALE_VERSION', 'ILLEGAL_TRANSITION', 'PAYMENT_METHOD_IN_USE'];
