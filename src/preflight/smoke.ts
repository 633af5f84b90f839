import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMOKE_PREFIX } from '../billing/kit/metadata.js';
import { NotFound } from '../platform/errors.js';
import { redactedText } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { type PreflightParts, publicUrlOf } from './parts.js';
import { SMOKE_CHECK } from './phase-5-to-10.js';
import { testCard } from './smoke.card.js';
import { assertPaid, chargeOf, missingCharge } from './smoke.charge.js';
import { OPERATIONS, SmokeClient } from './smoke.client.js';
import { leftOver, type Remains, rowsOf, tearDown } from './smoke.rest.js';

/** One step, and what was seen. `left_out` is no success: the step could not be done here. */
export interface SmokeStep {
  readonly name: string;
  readonly status: 'done' | 'failed' | 'left_out';
  readonly evidence: string;
}

/** What the test may use. */
export interface SmokeWish {
  readonly appId: string;
  /** A method tokenised by hosted fields; without one the sandbox's test card. */
  readonly paymentMethodId: string | null;
  /** Whether to send a made-up card number too, which sets off the alert CardDataRefused. */
  readonly sendsCardNumber: boolean;
}

const CENT = { amountMinor: 1, currency: 'usd' };
const WAIT_MS_MAX = 90_000;
const LOOK_EVERY_MS = 2_000;
const KEY_DAYS = 1;

/** The checklist's eighth phase against a running gateway, with one cent: each step told to `tell` as it ends. */
export class SmokeTest {
  private readonly steps: SmokeStep[] = [];
  private readonly externalId = SMOKE_PREFIX + randomBytes(6).toString('hex');

  constructor(
    private readonly parts: PreflightParts,
    private readonly wish: SmokeWish,
    private readonly tell: (step: SmokeStep) => void,
  ) {}

  /** Runs all steps, cleans up in any case, and records a run in which no step failed or was left out. */
  async run(): Promise<readonly SmokeStep[]> {
    const { access, attestations } = this.parts;
    const scope = await this.scope();
    const { id: keyId, key } = await access.createKey(scope.appId, 'service', { expiresInDays: KEY_DAYS });
    const client = new SmokeClient(publicUrlOf(this.parts), key);
    try {
      await this.flow(scope, client).catch(() => undefined);
    } finally {
      await this.cleanUp(scope, client);
      await access.revokeKey(keyId);
    }
    const isWhole = this.steps.every(({ status }) => status === 'done');
    const note = `${this.steps.length} steps on ${publicUrlOf(this.parts)}: ${this.steps.map(({ name }) => name).join(', ')}.`;
    if (isWhole) await attestations.add({ checkId: SMOKE_CHECK, attestedBy: 'billing smoke', note: note.slice(0, 1000), expiresAt: null });
    return this.steps;
  }

  /** Cancels and deletes what earlier runs may have left. */
  async cleanUpOnly(): Promise<readonly SmokeStep[]> {
    const scope = await this.scope();
    const { id, key } = await this.parts.access.createKey(scope.appId, 'service', { expiresInDays: KEY_DAYS });
    try {
      await this.cleanUp(scope, new SmokeClient(publicUrlOf(this.parts), key));
    } finally {
      await this.parts.access.revokeKey(id);
    }
    return this.steps;
  }

  private async scope(): Promise<Scope> {
    const scope = await this.parts.access.scopeOf(this.wish.appId, { kind: 'command' }, { requestId: 'smoke' });
    if (scope === null) throw new NotFound('app', this.wish.appId, ['app']);
    return scope;
  }

  private async flow(scope: Scope, client: SmokeClient): Promise<void> {
    const externalId = this.externalId;
    const input = { email: 'smoke@example.com', name: 'Smoke Test', externalId };
    const create = () => client.ask(OPERATIONS.customerCreate, { input }, externalId);
    const customerId = await this.step('customer', async () => {
      const id = idIn((await create()).field, 'customer');
      const [row] = await rowsOf(scope, 'billing_customers', id);
      const atTilled = await this.parts.processor.ask(scope, (tilled) => tilled.getCustomer(String(row?.tilled_customer_id)));
      return [id, `${id} is in the database, and ${atTilled.id} at Tilled.`];
    });
    await this.step('idempotency', async () => {
      const again = await create();
      const rows = await scope.db.query('select id from billing_customers where app_id = ? and external_id = ?', [scope.appId, externalId]);
      if (again.field['replayed'] !== true || idIn(again.field, 'customer') !== customerId || rows.length !== 1)
        throw new Error(`The same key was not answered the same: ${rows.length} rows.`);
      return [null, 'The same Idempotency-Key got the stored answer, and there is one row.'];
    });
    if (this.wish.sendsCardNumber) {
      await this.step('card-data', async () => {
        const status = await client.sendCardNumber();
        if (status !== 400) throw new Error(`A card number was answered ${status}, not 400.`);
        return [null, 'A card number was refused with 400; the alert CardDataRefused tells of it.'];
      });
    }
    const tilledMethodId = this.wish.paymentMethodId ?? (await testCard(this.parts, scope));
    if (tilledMethodId === null) return this.leaveOut('Tilled takes no test card in production: give --payment-method pm_…');
    await this.money(scope, client, { customerId, tilledMethodId });
  }

  private async money(scope: Scope, client: SmokeClient, made: { customerId: string; tilledMethodId: string }): Promise<void> {
    const { customerId } = made;
    await this.step('payment-method', async () => {
      const { field } = await client.ask(OPERATIONS.attach, { input: { customerId, tilledPaymentMethodId: made.tilledMethodId } });
      const method = field['paymentMethod'] as { id: string; isDefault: boolean };
      if (!method.isDefault) throw new Error(`${method.id} did not become the default.`);
      return [null, `${method.id} is attached, and is the default.`];
    });
    const subscriptionId = await this.step('subscription', async () => {
      const id = idIn(
        (await client.ask(OPERATIONS.subscribe, { input: { customerId, price: CENT, metadata: { smoke: this.externalId } } })).field,
        'subscription',
      );
      return [id, `${id} was made, for 0.01 usd.`];
    });
    const paymentId = await this.step('charge', async () => {
      const look = () => chargeOf(scope, subscriptionId);
      const payment = await this.eventually(() => missingCharge(this.parts, scope, subscriptionId), look);
      await assertPaid(client, subscriptionId, payment);
      return [payment, `${payment} succeeded: 0.01 usd.`];
    });
    await this.step('webhook', () => this.processed(scope, 'billing_payments', { id: paymentId, type: 'payment_intent.succeeded' }));
    await this.step('cancel', async () => {
      const { field } = await client.ask(OPERATIONS.cancel, { input: { id: subscriptionId, mode: 'IMMEDIATELY' } });
      const { status } = field['subscription'] as { status: string };
      if (status !== 'CANCELED') throw new Error(`The subscription is ${status}.`);
      return [null, `${subscriptionId} is canceled.`];
    });
    await this.step('cancel-webhook', () =>
      this.processed(scope, 'billing_subscriptions', { id: subscriptionId, type: 'subscription.canceled' }),
    );
    await this.step('refund', async () => {
      const { field } = await client.ask(OPERATIONS.refund, { input: { paymentId } });
      const refund = field['refund'] as { id: string; status: string };
      if (!['SUCCEEDED', 'PENDING'].includes(refund.status)) throw new Error(`The refund is ${refund.status}.`);
      return [null, `${refund.id} gives the cent back: ${refund.status}.`];
    });
  }

  /** Waits for the event of Tilled that tells of an object, and for its being handled. */
  private async processed(scope: Scope, table: string, { id, type }: { id: string; type: string }): Promise<[null, string]> {
    const [row] = await rowsOf(scope, table, id);
    const objectId = String(row?.tilled_payment_intent_id ?? row?.tilled_subscription_id);
    const sql = "select event_id from billing_webhooks where app_id = ? and object_id = ? and type = ? and status = 'PROCESSED'";
    const eventId = await this.eventually(
      async () => `No ${type} of ${objectId} was handled.`,
      async () => {
        const [event] = await scope.db.query(sql, [scope.appId, objectId, type]);
        return event === undefined ? null : String(event.event_id);
      },
    );
    return [null, `${type} came as ${eventId}, and was handled.`];
  }

  private async eventually<T>(complaint: () => Promise<string>, look: () => Promise<T | null>): Promise<T> {
    for (const until = Date.now() + WAIT_MS_MAX; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
      const found = await look();
      if (found !== null) return found;
    }
    throw new Error(`${await complaint()} Waited ${WAIT_MS_MAX / 1000} s.`);
  }

  private async cleanUp(scope: Scope, client: SmokeClient): Promise<void> {
    await this.step('clean-up', async () => {
      const remains: readonly Remains[] = await leftOver(scope, SMOKE_PREFIX);
      for (const one of remains) await tearDown(client, one);
      return [null, `${remains.length} customers of smoke tests were deleted, and their subscriptions canceled.`];
    }).catch(() => undefined);
  }

  /** Does one step and tells of it; throws again what it throws, so that what builds on it is not tried. */
  private async step<T>(name: string, work: () => Promise<[T, string]>): Promise<T> {
    try {
      const [made, evidence] = await work();
      this.note({ name, status: 'done', evidence });
      return made;
    } catch (error) {
      this.note({ name, status: 'failed', evidence: redactedText(error instanceof Error ? error.message : String(error)) });
      throw error;
    }
  }

  private leaveOut(reason: string): void {
    this.note({ name: 'payment-method, subscription, charge, webhook, cancel, refund', status: 'left_out', evidence: reason });
  }

  private note(step: SmokeStep): void {
    this.steps.push(step);
    this.tell(step);
  }
}

function idIn(field: Readonly<Record<string, unknown>>, noun: string): string {
  return (field[noun] as { id: string }).id;
}
