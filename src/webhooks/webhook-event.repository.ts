import { inParts, onConflict, places, ROWS_AT_ONCE } from '../platform/db/sql.js';
import { paddedToPowerOfTwo } from '../platform/tenancy/conditions.js';
import type { Page, PageRequest } from '../platform/tenancy/page.js';
import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import type { EventObject, ObjectKind } from './event-catalogue.js';
import { WebhookEvent, WebhookEventStatus } from './webhook-event.entity.js';

const { RECEIVED, PROCESSED, FAILED, DEAD } = WebhookEventStatus;
const UNHANDLED = [RECEIVED, FAILED, DEAD];

/** An event to store; its deliveries are counted by the database. */
export type NewWebhookEvent = Pick<WebhookEvent, 'id' | 'eventId' | 'type' | 'objectId' | 'status' | 'receivedAt' | 'processedAt'> & {
  readonly objectKind: ObjectKind | null;
  /** As JSON. */
  readonly payload: string;
};

/** Which events to handle again; every condition that is there holds. */
export interface ReopenFilter {
  /** Ids of ours or of Tilled's: no more than one statement can name. */
  readonly eventIds?: readonly string[];
  readonly since?: Date;
  readonly isDead?: true;
}

type Reopened = Pick<NewWebhookEvent, 'objectKind' | 'objectId'>;
type Waiting = Pick<WebhookEvent, 'id' | 'receivedAt'>;

const INSERT =
  'insert into billing_webhooks (app_id, id, event_id, type, object_kind, object_id, status, deliveries, attempts, error, payload, received_at, processed_at, unqueued_since) values';

/** Webhook events of an app. */
export class WebhookEventRepository extends TenantRepository<WebhookEvent> {
  protected readonly entity = WebhookEvent;
  protected readonly noun = 'webhook event';
  protected override readonly made = { prefix: 'whe', property: 'receivedAt' } as const;

  list(page: PageRequest, status: WebhookEventStatus[] | null, type: string | null): Promise<Page<WebhookEvent>> {
    return this.page({ ...(status === null ? {} : { status }), ...(type === null ? {} : { type }) }, page);
  }

  /**
   * Stores events that are not there yet and counts a delivery of those that are, in one statement; returns the ids of
   * the new ones. An event may be named more than once: it is stored once and every further delivery counted.
   */
  async storeAll(events: readonly NewWebhookEvent[]): Promise<ReadonlySet<string>> {
    const { appId, db } = this.scope;
    const byEventId = Map.groupBy(events, (event) => event.eventId);
    // In the order of their unique key: overlapping statements in other orders would deadlock.
    const eventIds = [...byEventId.keys()].sort();
    const values: unknown[] = [];
    for (const eventId of eventIds) {
      const [event, ...again] = byEventId.get(eventId) as [NewWebhookEvent, ...NewWebhookEvent[]];
      values.push(appId, event.id, eventId, event.type, event.objectKind, event.objectId, event.status, 1 + again.length);
      values.push(event.payload, event.receivedAt, event.processedAt, event.objectId);
    }
    // It waits to be queued from now on if it is about an object.
    const row = `(?, ?, ?, ?, ?, ?, ?, ?, 0, null, ?, ?, ?, case when ? is null then null else ${db.time.now} end)`;
    const rows = Array(eventIds.length).fill(row).join(', ');
    const again = onConflict(db.isEmbedded, 'app_id, event_id', 'deliveries = deliveries + excluded.deliveries');
    const touched = await db.run(`${INSERT} ${rows} ${again}`, values);
    // A server counts a row that it made once, and one that was there twice.
    if (!db.isEmbedded && touched === eventIds.length) return new Set(eventIds.map((eventId) => byEventId.get(eventId)?.[0]?.id ?? ''));
    const asked = paddedToPowerOfTwo(eventIds);
    const stored = await db.query(`select id from billing_webhooks where app_id = ? and event_id in (${places(asked)})`, [appId, ...asked]);
    const ids = new Set(stored.map((row) => String(row.id)));
    return new Set(events.map((event) => event.id).filter((id) => ids.has(id)));
  }

  /** Which of these events, by Tilled's ids, are stored. */
  async storedAmong(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const stored = new Set<string>();
    for (const part of inParts(eventIds)) {
      const sql = `select event_id from billing_webhooks where app_id = ? and event_id in (${places(part)})`;
      for (const row of await this.scope.db.query(sql, [this.scope.appId, ...part])) stored.add(String(row.event_id));
    }
    return stored;
  }

  /**
   * Has the next events after an id handled again, of those that a filter means: says so on their rows, and returns
   * what they are about and the last of their ids; null after the last of all.
   */
  async reopen(filter: ReopenFilter, afterId: string): Promise<{ readonly events: readonly Reopened[]; readonly lastId: string | null }> {
    const conditions = ['app_id = ?', 'object_id is not null', 'id > ?'];
    const parameters: unknown[] = [this.scope.appId, afterId];
    if (filter.eventIds) {
      const asked = places(filter.eventIds);
      conditions.push(`(id in (${asked}) or event_id in (${asked}))`);
      parameters.push(...filter.eventIds, ...filter.eventIds);
    }
    if (filter.since) {
      conditions.push('received_at >= ?');
      parameters.push(filter.since);
    }
    if (filter.isDead) {
      conditions.push('status = ?');
      parameters.push(DEAD);
    }
    const found = await this.scope.db.query(
      `select id, object_kind, object_id from billing_webhooks where ${conditions.join(' and ')} order by id limit ${ROWS_AT_ONCE}`,
      parameters,
    );
    const ids = found.map((row) => String(row.id));
    if (ids.length > 0)
      await this.scope.db.run(
        `update billing_webhooks set status = ?, error = null, processed_at = null where app_id = ? and id in (${places(ids)})`,
        [RECEIVED, this.scope.appId, ...ids],
      );
    const events = found.map((row) => ({ objectKind: row.object_kind as ObjectKind, objectId: String(row.object_id) }));
    return { events, lastId: ids.length < ROWS_AT_ONCE ? null : (ids.at(-1) ?? null) };
  }

  /** How many events are in each state but PROCESSED, and since when the oldest of them waits. */
  async backlog(): Promise<{ counts: ReadonlyMap<WebhookEventStatus, number>; oldestReceivedAt: Date | null }> {
    const raws = await this.scope.db.query(
      `select status, count(*) as counted, min(id) as oldest from billing_webhooks where app_id = ? and status in (${places(UNHANDLED)}) group by status`,
      [this.scope.appId, ...UNHANDLED],
    );
    const counts = new Map(raws.map((raw) => [raw.status as WebhookEventStatus, Number(raw.counted)]));
    const [oldestId] = raws
      .filter((raw) => raw.status !== DEAD)
      .map((raw) => String(raw.oldest))
      .sort();
    return { counts, oldestReceivedAt: oldestId === undefined ? null : ((await this.find(oldestId))?.receivedAt ?? null) };
  }

  /** Locks those of these events whose object is not in the queue yet and nobody else is at; returns them. */
  async lockUnqueued(ids: readonly string[]): Promise<Pick<NewWebhookEvent, 'id' | 'objectKind' | 'objectId'>[]> {
    const sql = `select id, object_kind, object_id from billing_webhooks where app_id = ? and id in (${places(ids)}) and unqueued_since is not null`;
    const rows = await this.scope.db.query(this.scope.db.isEmbedded ? sql : `${sql} for update skip locked`, [this.scope.appId, ...ids]);
    return rows.map((row) => ({ id: String(row.id), objectKind: row.object_kind as ObjectKind, objectId: String(row.object_id) }));
  }

  /** Says of events that their object is in the queue. */
  async markQueued(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.scope.db.run(`update billing_webhooks set unqueued_since = null where app_id = ? and id in (${places(ids)})`, [
      this.scope.appId,
      ...ids,
    ]);
  }

  /**
   * An object's events that wait to be handled and for which it is in the queue. Who works on an object holds its job
   * and then writes to these; who queues events holds them and then writes to jobs: as no event is of both, neither
   * waits for the other in a circle.
   */
  async unhandledOf(object: EventObject): Promise<Waiting[]> {
    const rows = await this.scope.db.query(
      `select id, received_at from billing_webhooks where app_id = ? and object_kind = ? and object_id = ? and status in (${places(UNHANDLED)})
        and unqueued_since is null order by id`,
      [this.scope.appId, object.kind, object.id, ...UNHANDLED],
    );
    return rows.map((row) => ({ id: String(row.id), receivedAt: this.scope.db.time.read(row.received_at) }));
  }

  async markProcessed(ids: readonly string[], now: Date): Promise<void> {
    for (const part of inParts(ids))
      await this.scope.db.run(
        `update billing_webhooks set status = ?, attempts = attempts + 1, error = null, processed_at = ? where app_id = ? and id in (${places(part)})`,
        [PROCESSED, now, this.scope.appId, ...part],
      );
  }

  /** Says on every waiting event of an object that handling it failed. */
  async markFailed(object: EventObject, error: string, isDead: boolean): Promise<void> {
    const ids = (await this.unhandledOf(object)).map((event) => event.id);
    for (const part of inParts(ids))
      await this.scope.db.run(
        `update billing_webhooks set status = ?, attempts = attempts + 1, error = ? where app_id = ? and id in (${places(part)})`,
        [isDead ? DEAD : FAILED, error.slice(0, 1000), this.scope.appId, ...part],
      );
  }
}
