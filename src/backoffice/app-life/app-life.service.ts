import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessService } from '../../access/access.service.js';
import type { CustomerDeletion } from '../../billing/customers/customer.deletion.js';
import { CUSTOMER_PUSH } from '../../billing/customers/customer.service.js';
import { DELIVER } from '../../deliveries/deliverer.js';
import { places } from '../../platform/db/sql.js';
import { Conflict } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { BACKFILL } from '../../webhooks/webhook.backfill.js';
import type { WebhookEndpoints } from '../../webhooks/webhook.endpoints.js';
import type { PrivacyService } from '../privacy/privacy.service.js';
import { EXAMINE_AGAIN } from '../reconciliation/reconciler.js';
import { RECONCILE } from '../reconciliation/reconciliation.run.js';
import type { RetentionService } from '../retention/retention.js';
import { obstaclesOf } from './obstacles.js';

/** What a whole app is ended with. */
export interface AppLifeParts {
  readonly access: AccessService;
  readonly deletion: CustomerDeletion;
  readonly privacy: PrivacyService;
  readonly retention: RetentionService;
  readonly endpoints: WebhookEndpoints;
}

/** What goes on for an app that is suspended. */
export interface Suspension {
  readonly suspendedAt: Date;
  /** Subscriptions that Tilled goes on to collect, and when the next of them is due. */
  readonly collecting: number;
  readonly nextPaymentAt: string | null;
  /** Requests of before that are still worked on. */
  readonly underWay: number;
}

/** What a removal took away. */
export interface Removal {
  readonly removedAt: Date;
  readonly customers: number;
  readonly keys: number;
  readonly documents: number;
  readonly endpoints: number;
}

/** How long other processes may still sell for an app just suspended, or know its keys, and a second to spare, ms. */
const SETTLED_MS = 6_000;
const CUSTOMERS_AT_ONCE = 50;
/** What has no use without the app, and is no financial record and no audit. */
const FORGOTTEN_TABLES = [
  'billing_webhook_deliveries',
  'billing_webhook_endpoints',
  'billing_webhook_secrets',
  'billing_idempotency_keys',
  'billing_app_events',
  'billing_app_settings',
] as const;
/**
 * Work that has no use without the app. All other stays: events that may be another app's of the account, and whatever
 * was begun while the last look was taken.
 */
const FORGOTTEN_JOBS = [DELIVER, BACKFILL, CUSTOMER_PUSH, EXAMINE_AGAIN, RECONCILE];

/** The life of an app after it was made: suspended, resumed, removed. By people on the command line only. */
export class AppLife {
  constructor(private readonly parts: AppLifeParts) {}

  /** Nothing is sold for the app any more: at once here, within five seconds everywhere. Repeatable. */
  async suspend(scope: Scope): Promise<Suspension> {
    const suspendedAt = await this.parts.access.apps.suspend(scope);
    const [collecting] = await scope.db.query(
      `select count(*) as n, min(next_payment_at) as due from billing_subscriptions
        where app_id = ? and status in ('PENDING', 'ACTIVE', 'PAST_DUE') and next_payment_at is not null`,
      [scope.appId],
    );
    const { underWay } = await obstaclesOf(scope);
    const due = collecting?.['due'] ?? null;
    return { suspendedAt, collecting: Number(collecting?.['n'] ?? 0), nextPaymentAt: due === null ? null : timeText(due), underWay };
  }

  /** The app sells again: at once here, within five seconds everywhere. Repeatable. */
  resume(scope: Scope): Promise<void> {
    return this.parts.access.apps.resume(scope);
  }

  /** What keeps the app from being removed, a sentence each; none where nothing does. */
  async obstacles(scope: Scope): Promise<readonly string[]> {
    // Read anew: while a person thought about it the app may have been resumed.
    const suspendedAt = (await this.parts.access.apps.find(scope.appId))?.suspendedAt ?? null;
    const hasSettled = suspendedAt !== null && scope.now().getTime() - suspendedAt.getTime() >= SETTLED_MS;
    const sells = hasSettled ? [] : [suspendedAt === null ? 'it is not suspended' : 'it was suspended only now: wait ten seconds'];
    return [...sells, ...(await obstaclesOf(scope)).sentences];
  }

  /**
   * Removes an app: its customers are erased here and at Tilled, its keys, sessions, secrets, documents and endpoints
   * go; financial records, their audit and its id stay. Cut off, it is gone on with by the same call. Throws Conflict
   * with all that is in the way; where that began at the last moment, its keys are gone already.
   */
  async remove(scope: Scope): Promise<Removal> {
    const { removedAt } = scope.caller.app;
    if (removedAt !== null) return { removedAt, customers: 0, keys: 0, documents: 0, endpoints: 0 };
    await this.assertOver(scope);
    // First nobody gets in any more. What was let in before is over then, or is found by the second look.
    const keys = await this.parts.access.keys.removeAll(scope);
    if (keys > 0) await sleep(SETTLED_MS);
    await this.assertOver(scope);
    const customers = await this.eraseCustomers(scope);
    const endpoints = await this.parts.endpoints.removeOwn(scope);
    // What is scheduled for apps is so for those that are there: this one's late news of people is swept all the same.
    await this.parts.retention.schedule(scope);
    return { ...(await this.forget(scope)), keys, customers, endpoints };
  }

  private async assertOver(scope: Scope): Promise<void> {
    const obstacles = await this.obstacles(scope);
    if (obstacles.length > 0) throw new Conflict(`The app ${scope.appId} is not removed: ${obstacles.join('; ')}.`);
  }

  private async eraseCustomers(scope: Scope): Promise<number> {
    let erased = 0;
    for (;;) {
      const sql = `select id from billing_customers where app_id = ? and deleted_at is null order by id limit ${CUSTOMERS_AT_ONCE}`;
      const ids = (await scope.db.query(sql, [scope.appId])).map((row) => String(row['id']));
      if (ids.length === 0) return erased;
      for (const id of ids) {
        const { errors } = await this.parts.deletion.delete(scope, { id });
        if (errors[0] !== undefined) throw new Conflict(`The app is not removed yet: ${errors[0].message} Then remove it again.`);
      }
      await this.parts.privacy.sweep(scope, ids, { sinceEventId: '' });
      erased += ids.length;
    }
  }

  /** Last, in one commit: who finds the app gone finds all of this gone. */
  private forget(scope: Scope): Promise<Pick<Removal, 'removedAt' | 'documents'>> {
    return scope.transaction(async (tx) => {
      for (const table of FORGOTTEN_TABLES) await tx.db.run(`delete from ${table} where app_id = ?`, [tx.appId]);
      const documents = await tx.db.run('delete from billing_operations where app_id = ?', [tx.appId]);
      await tx.db.run(`delete from billing_jobs where app_id = ? and kind in (${places(FORGOTTEN_JOBS)})`, [tx.appId, ...FORGOTTEN_JOBS]);
      return { removedAt: await this.parts.access.apps.remove(tx), documents };
    });
  }
}

/** As every date of a raw row: text in UTC from MySQL, milliseconds from the embedded database. */
function timeText(value: unknown): string {
  return typeof value === 'string' ? `${value.replace(' ', 'T')}Z` : new Date(Number(value)).toISOString();
}
