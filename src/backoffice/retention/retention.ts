import { ERASURE } from '../../billing/customers/customer.deletion.js';
import { AppEventRepository } from '../../events/app-event.repository.js';
import { plusMs } from '../../platform/clock.js';
import { CursorRepository } from '../../platform/cursors.js';
import { places } from '../../platform/db/sql.js';
import { firstIdAt } from '../../platform/ids.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Lease } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { WebhookEventStatus } from '../../webhooks/webhook-event.entity.js';
import type { PrivacyService } from '../privacy/privacy.service.js';

/** Removes what is not kept any longer; reschedules itself. */
export const RETENTION_SWEEP = 'retention.sweep';

/** One kind of thing that is kept for some days and then removed. */
interface Retention {
  readonly what: string;
  readonly keptDays: number;
  /** Removes up to `limit` of what is older than `before`; returns how many. */
  readonly remove: (scope: Scope, before: Date, limit: number) => Promise<number>;
}

const DAY_MS = 86_400_000;
const EVERY_MS = DAY_MS;
/** When a sweep that had more to do than one turn may is gone on with, ms. */
const SOON_MS = 60_000;
const BATCH = 500;
const BATCHES_MAX = 20;
const PAYLOAD_CURSOR = 'retention.payloads';
/** Tilled repeats deliveries for days and lists events for 30: so long may news of a deleted customer come. */
const ERASURE_DAYS = 45;
const ERASURE_OVERLAP_MS = 3_600_000;
const EXPIRED_PAYLOAD = '{"expired":true}';

/**
 * What is removed, and after how long. Rows of customers, methods, subscriptions, payments, refunds and disputes, their
 * transitions and the facts of failed attempts are financial records and are never removed here.
 */
const RETENTIONS: readonly Retention[] = [
  // A key says itself when it expires, 30 days after its request.
  { what: 'idempotency keys', keptDays: 0, remove: removeKeys },
  { what: 'bodies of webhook events', keptDays: 90, remove: expirePayloads },
  { what: 'webhook events that were handled', keptDays: 365, remove: removeEvents },
  { what: 'deliveries of events', keptDays: 30, remove: removeDeliveries },
  { what: 'endpoints that were deleted', keptDays: 30, remove: removeEndpoints },
  { what: 'tests of endpoints', keptDays: 30, remove: removeTests },
  { what: 'deliveries of events that are kept no longer', keptDays: 90, remove: removeLastDeliveries },
  {
    what: 'events that apps were told',
    keptDays: 90,
    remove: (scope, before, limit) => AppEventRepository.of(scope).removeOldest(before, limit),
  },
  { what: 'lines of imports', keptDays: 365, remove: removeImports },
];

/** Sweeps what is past its time, of one app at a time and some hundred rows at a time. */
export class RetentionService {
  constructor(private readonly parts: { readonly jobs: Jobs; readonly privacy: PrivacyService }) {}

  /** Makes sure that the sweep is scheduled for an app. */
  async schedule(scope: Scope): Promise<void> {
    const key = { kind: RETENTION_SWEEP, subject: scope.appId };
    if (!(await this.parts.jobs.isWaiting(scope, key)))
      await scope.transaction((tx) => this.parts.jobs.enqueue(tx, { ...key, dueInMs: SOON_MS }));
  }

  /** The handler of RETENTION_SWEEP. */
  async sweep(scope: Scope, lease: Lease): Promise<void> {
    const hasMore = await this.run(scope);
    await this.parts.jobs.release(scope, lease, { dueInMs: hasMore ? SOON_MS : EVERY_MS });
  }

  /** One turn; true if there is more to remove than one turn may. */
  async run(scope: Scope): Promise<boolean> {
    let hasMore = false;
    for (const { what, keptDays, remove } of RETENTIONS) {
      const before = plusMs(scope.now(), -keptDays * DAY_MS);
      let removed = 0;
      for (let batches = 0; batches < BATCHES_MAX; batches += 1) {
        const count = await remove(scope, before, BATCH);
        removed += count;
        if (count < BATCH) break;
        hasMore ||= batches === BATCHES_MAX - 1;
      }
      if (removed > 0) scope.request.log.info('kept no longer', { what, removed });
    }
    await this.eraseLateTraces(scope);
    return hasMore;
  }

  /** What came in about customers after they were deleted. */
  private async eraseLateTraces(scope: Scope): Promise<void> {
    const cursors = await CursorRepository.of(scope).startingWith(ERASURE);
    if (cursors.length === 0) return;
    const startedAt = scope.now();
    const [first] = cursors.map((cursor) => cursor.position).toSorted();
    const sinceEventId = first ? firstIdAt('whe', plusMs(new Date(first), -ERASURE_OVERLAP_MS)) : '';
    const customerIds = cursors.map((cursor) => cursor.id.slice(ERASURE.length));
    await this.parts.privacy.sweep(scope, customerIds, { sinceEventId });
    await scope.transaction(async (tx) => {
      for (const id of customerIds) await CursorRepository.of(tx).moveTo(ERASURE + id, startedAt.toISOString());
    });
    await this.forgetErasures(scope, plusMs(startedAt, -ERASURE_DAYS * DAY_MS));
  }

  private async forgetErasures(scope: Scope, before: Date): Promise<void> {
    const sql = `select id from billing_customers where app_id = ? and deleted_at < ? and id in
      (select substr(id, ${ERASURE.length + 1}) from billing_cursors where app_id = ? and id >= ? and id < ?)`;
    const over = await scope.db.query(sql, [scope.appId, before, scope.appId, ERASURE, `${ERASURE}~`]);
    await scope.transaction(async (tx) => {
      for (const row of over) await CursorRepository.of(tx).drop(`${ERASURE}${String(row['id'])}`);
    });
  }
}

/** A key without an outcome stays. The condition is repeated: a key may be taken anew between the statements. */
async function removeKeys(scope: Scope, before: Date, limit: number): Promise<number> {
  const where = "app_id = ? and state = 'done' and expires_at <= ?";
  const ids = await idsOf(scope, `select id from billing_idempotency_keys where ${where} order by expires_at`, limit, [before]);
  if (ids.length === 0) return 0;
  return scope.db.run(`delete from billing_idempotency_keys where ${where} and id in (${places(ids)})`, [scope.appId, before, ...ids]);
}

/** The event stays, so that it is known if it comes again; what it said goes. */
async function expirePayloads(scope: Scope, before: Date, limit: number): Promise<number> {
  const cursors = CursorRepository.of(scope);
  const after = (await cursors.find(PAYLOAD_CURSOR))?.position ?? '';
  const ids = await idsOf(scope, 'select id from billing_webhooks where app_id = ? and id > ? and id < ? order by id', limit, [
    after,
    firstIdAt('whe', before),
  ]);
  const last = ids.at(-1);
  if (last === undefined) return 0;
  await scope.transaction(async (tx) => {
    await tx.db.run(`update billing_webhooks set payload = ? where app_id = ? and id in (${places(ids)})`, [
      EXPIRED_PAYLOAD,
      tx.appId,
      ...ids,
    ]);
    await CursorRepository.of(tx).moveTo(PAYLOAD_CURSOR, last);
  });
  return ids.length;
}

/** Only what was handled: what waits for a person waits on. */
async function removeEvents(scope: Scope, before: Date, limit: number): Promise<number> {
  const sql = 'select id from billing_webhooks where app_id = ? and status = ? and id < ? order by id';
  const ids = await idsOf(scope, sql, limit, [WebhookEventStatus.PROCESSED, firstIdAt('whe', before)]);
  return remove(scope, 'billing_webhooks', ids);
}

async function removeDeliveries(scope: Scope, before: Date, limit: number): Promise<number> {
  const old = 'select id from billing_webhook_deliveries where app_id = ? and id < ? order by id';
  return remove(scope, 'billing_webhook_deliveries', await idsOf(scope, old, limit, [firstIdAt('wd', before)]));
}

/** Events that are in no feed. */
async function removeTests(scope: Scope, before: Date, limit: number): Promise<number> {
  const sql = `select e.id from billing_app_events e where e.app_id = ? and e.position is null and e.unpublished_since is null and e.id < ?
    and not exists (select d.id from billing_webhook_deliveries d where d.app_id = e.app_id and d.app_event_id = e.id) order by e.id`;
  return remove(scope, 'billing_app_events', await idsOf(scope, sql, limit, [firstIdAt('ev', before)]));
}

/** Sent again shortly before their event goes: it could not, else. */
async function removeLastDeliveries(scope: Scope, before: Date, limit: number): Promise<number> {
  const sql = 'select id from billing_webhook_deliveries where app_id = ? and app_event_id < ? order by app_event_id';
  return remove(scope, 'billing_webhook_deliveries', await idsOf(scope, sql, limit, [firstIdAt('ev', before)]));
}

/** Once nothing tells of them. */
async function removeEndpoints(scope: Scope, before: Date, limit: number): Promise<number> {
  const gone = `select e.id from billing_webhook_endpoints e where e.app_id = ? and e.deleted_at < ? and not exists
    (select d.id from billing_webhook_deliveries d where d.app_id = e.app_id and d.endpoint_id = e.id) order by e.id`;
  return remove(scope, 'billing_webhook_endpoints', await idsOf(scope, gone, limit, [before]));
}

/** After that time an import cannot be verified or taken back any more. */
async function removeImports(scope: Scope, before: Date, limit: number): Promise<number> {
  const old = firstIdAt('imp', before);
  const sql = 'select id from billing_import_items where app_id = ? and run_id < ? order by run_id, id';
  const items = await remove(scope, 'billing_import_items', await idsOf(scope, sql, limit, [old]));
  if (items > 0) return items;
  return remove(
    scope,
    'billing_imports',
    await idsOf(scope, 'select id from billing_imports where app_id = ? and id < ? order by id', limit, [old]),
  );
}

async function idsOf(scope: Scope, sql: string, limit: number, parameters: readonly unknown[]): Promise<string[]> {
  return (await scope.db.query(`${sql} limit ${limit}`, [scope.appId, ...parameters])).map((row) => String(row['id']));
}

function remove(scope: Scope, table: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return Promise.resolve(0);
  return scope.db.run(`delete from ${table} where app_id = ? and id in (${places(ids)})`, [scope.appId, ...ids]);
}
