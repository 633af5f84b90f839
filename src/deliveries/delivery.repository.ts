import { inParts, inserting, places, ROWS_AT_ONCE } from '../platform/db/sql.js';
import type { RawRow } from '../platform/db/table.js';
import { firstIdAt } from '../platform/ids.js';
import type { Page, PageRequest } from '../platform/tenancy/page.js';
import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import { type KeptAttempt, WebhookDelivery, WebhookDeliveryStatus } from './delivery.entity.js';
import type { ToldEvent } from './message.js';

/** A delivery whose turn it is, with what is to be told. */
export interface WaitingDelivery {
  readonly id: string;
  readonly lane: string;
  readonly attempts: number;
  readonly log: readonly KeptAttempt[];
  readonly createdAt: Date;
  readonly event: ToldEvent;
}

/** A delivery to make. */
export interface NewDelivery {
  readonly endpointId: string;
  readonly eventId: string;
  readonly position: number;
  /** What is delivered one after the other; null: it is outside of any order. */
  readonly lane: string | null;
}

/** What became of deliveries that ended the same way. */
export interface SameEnd {
  readonly status: WebhookDeliveryStatus;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** When they are tried again, ms from now; null: they are over. */
  readonly waitMs: number | null;
  /** Their attempts, by id. */
  readonly logs: ReadonlyMap<string, readonly KeptAttempt[]>;
}

const COLUMNS = 'app_id, id, endpoint_id, app_event_id, lane, position, status, turn, attempts, created_at';
const WAITING = `select d.id, d.lane, d.attempts, d.attempt_log, d.created_at, e.id as event_id, e.type, e.schema_version, e.sequence, e.cause, e.payload, e.occurred_at
  from billing_webhook_deliveries d join billing_app_events e on e.app_id = d.app_id and e.id = d.app_event_id
  where d.app_id = ? and d.endpoint_id = ?`;

/**
 * The deliveries of an app. Whoever publishes or sends again adds to them; only who holds the job of an endpoint
 * changes those of it that wait, so they are read and written without locks.
 */
export class WebhookDeliveryRepository extends TenantRepository<WebhookDelivery> {
  protected readonly entity = WebhookDelivery;
  protected readonly noun = 'webhook delivery';
  protected override readonly made = { prefix: 'wd', property: 'createdAt' } as const;

  list(page: PageRequest, filter: { readonly endpointId?: string | null; readonly status?: WebhookDeliveryStatus[] | null }) {
    const { endpointId, status } = filter;
    return this.page({ ...(endpointId ? { endpointId } : {}), ...(status ? { status } : {}) }, page) as Promise<Page<WebhookDelivery>>;
  }

  /** Adds deliveries; their turn is still to come. Inside a transaction. */
  async append(deliveries: readonly NewDelivery[]): Promise<void> {
    const { appId, db } = this.scope;
    const now = this.scope.now();
    const valuesOf = ({ endpointId, eventId, lane, position }: NewDelivery) => {
      const id = this.scope.newId('wd');
      return [appId, id, endpointId, eventId, lane ?? id, position, WebhookDeliveryStatus.PENDING, 'new', 0, now];
    };
    for (const part of inParts(deliveries))
      await db.run(inserting('billing_webhook_deliveries', COLUMNS, part.length), part.flatMap(valuesOf));
  }

  /** Published events of these types, recorded in a time, after one of them, and the last id; null after all. */
  async eventsWithin(
    { since, until, types }: { readonly since: Date; readonly until: Date; readonly types: readonly string[] },
    afterId: string,
  ): Promise<{ readonly events: readonly { id: string; position: number }[]; readonly lastId: string | null }> {
    const from = [firstIdAt('ev', since), afterId].toSorted()[1];
    const sql = `select id, position from billing_app_events
      where app_id = ? and id > ? and id < ? and position is not null and type in (${places(types)}) order by id limit ${ROWS_AT_ONCE}`;
    const rows = await this.scope.db.query(sql, [this.scope.appId, from, firstIdAt('ev', until), ...types]);
    const events = rows.map((row) => ({ id: String(row['id']), position: Number(row['position']) }));
    return { events, lastId: events.length < ROWS_AT_ONCE ? null : (events.at(-1)?.id ?? null) };
  }

  /** Adds an event that is never published, for a delivery of its own. */
  async addUnpublished(event: ToldEvent, deliveryId: string): Promise<void> {
    const { id, type, schemaVersion, sequence, cause, payload, occurredAt } = event;
    const columns = 'app_id, id, type, schema_version, object_id, sequence, cause, payload, occurred_at, created_at';
    const values = [this.scope.appId, id, type, schemaVersion, deliveryId, sequence, cause, payload, occurredAt, this.scope.now()];
    await this.scope.db.run(inserting('billing_app_events', columns), values);
  }

  /** What failed and is to be tried again by now, the longest due first. */
  due(endpointId: string, limit: number): Promise<WaitingDelivery[]> {
    return this.waiting(`d.turn = 'due' and d.due_at <= ${this.scope.db.time.now} order by d.due_at`, endpointId, limit);
  }

  /** What was not tried yet, in the order of the feed. */
  fresh(endpointId: string, limit: number): Promise<WaitingDelivery[]> {
    return this.waiting("d.turn = 'new' and d.due_at is null order by d.position, d.id", endpointId, limit);
  }

  /** Which of these lanes have a delivery that failed, behind which others wait. */
  async blockedAmong(endpointId: string, lanes: readonly string[]): Promise<ReadonlySet<string>> {
    if (lanes.length === 0) return new Set();
    const sql = `select distinct lane from billing_webhook_deliveries
      where app_id = ? and endpoint_id = ? and lane in (${places(lanes)}) and turn in ('due', 'behind')`;
    return new Set((await this.scope.db.query(sql, [this.scope.appId, endpointId, ...lanes])).map((row) => String(row['lane'])));
  }

  /** In how many ms the next one is due that failed; null if none is. */
  async nextDueInMs(endpointId: string): Promise<number | null> {
    const { db, appId } = this.scope;
    const sql = `select min(due_at) as due_at, ${db.time.now} as now_at from billing_webhook_deliveries
      where app_id = ? and endpoint_id = ? and turn = 'due'`;
    const [row] = await db.query(sql, [appId, endpointId]);
    if (row === undefined || row['due_at'] === null) return null;
    return Math.max(0, db.time.read(row['due_at']).getTime() - db.time.read(row['now_at']).getTime());
  }

  /** Whether so many deliveries or more wait for an endpoint. */
  async areWaiting(endpointId: string, count: number): Promise<boolean> {
    const waiting = `select id from billing_webhook_deliveries
      where app_id = ? and endpoint_id = ? and turn in ('new', 'due', 'behind') limit ${count}`;
    const [row] = await this.scope.db.query(`select count(*) as waiting from (${waiting}) w`, [this.scope.appId, endpointId]);
    return Number(row?.['waiting']) >= count;
  }

  /** Writes down what became of deliveries that ended the same way. */
  async record({ status, attempts, lastStatus, lastError, waitMs, logs }: SameEnd): Promise<void> {
    const { db, appId } = this.scope;
    const ids = [...logs.keys()];
    const due = waitMs === null ? 'null' : db.time.in('?');
    const cases = ids.map(() => 'when ? then ?').join(' ');
    const sql = `update billing_webhook_deliveries set status = ?, turn = ?, attempts = ?, due_at = ${due}, last_status = ?, last_error = ?,
      delivered_at = ?, attempt_log = case id ${cases} end where app_id = ? and id in (${places(ids)})`;
    const deliveredAt = status === WebhookDeliveryStatus.DELIVERED ? this.scope.now() : null;
    const turn = waitMs === null ? null : 'due';
    const values = [status, turn, attempts, ...(waitMs === null ? [] : [waitMs]), lastStatus, lastError, deliveredAt];
    await db.run(sql, [...values, ...[...logs].flatMap(([id, log]) => [id, JSON.stringify(log)]), appId, ...ids]);
  }

  /** They wait until what is before them in their lane is through. */
  async putBehind(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const sql = `update billing_webhook_deliveries set turn = 'behind' where app_id = ? and id in (${places(ids)})`;
    await this.scope.db.run(sql, [this.scope.appId, ...ids]);
  }

  /** What was before them in these lanes is through: it is their turn. */
  async letOn(endpointId: string, lanes: readonly string[]): Promise<void> {
    if (lanes.length === 0) return;
    const { db, appId } = this.scope;
    const sql = `select id from billing_webhook_deliveries where app_id = ? and endpoint_id = ? and lane in (${places(lanes)}) and turn = 'behind'`;
    // Found first and written by their ids: a range of another index would lock what is being added there.
    const ids = (await db.query(sql, [appId, endpointId, ...lanes])).map((row) => String(row['id']));
    for (const part of inParts(ids))
      await db.run(`update billing_webhook_deliveries set turn = 'new' where app_id = ? and id in (${places(part)})`, [appId, ...part]);
  }

  /** All that waits for an endpoint is new again, in the order of the feed: it was switched off, and time passed. */
  async beginAnew(endpointId: string): Promise<void> {
    const sql = `update billing_webhook_deliveries set turn = 'new', due_at = null
      where app_id = ? and endpoint_id = ? and turn in ('due', 'behind')`;
    await this.scope.db.run(sql, [this.scope.appId, endpointId]);
  }

  /** The database's time went back: what failed does not wait so much longer. */
  async pullForward(): Promise<void> {
    const { db, appId } = this.scope;
    const sql = `select id from billing_webhook_deliveries where app_id = ? and turn = 'due' and due_at > ${db.time.now}`;
    const ids = (await db.query(sql, [appId])).map((row) => String(row['id']));
    const due = `update billing_webhook_deliveries set due_at = ${db.time.now} where app_id = ? and turn = 'due'`;
    for (const part of inParts(ids)) await db.run(`${due} and id in (${places(part)})`, [appId, ...part]);
  }

  /**
   * Forgets what receivers answered to events that told of people, by `person_id`, or of objects; returns of how many
   * deliveries.
   */
  async forgetAnswersAbout(column: 'person_id' | 'object_id', ids: readonly string[]): Promise<number> {
    let forgotten = 0;
    for (const part of inParts(ids)) {
      const about = `select id from billing_app_events where app_id = ? and ${column} in (${places(part)})`;
      const sql = `update billing_webhook_deliveries set attempt_log = null
        where app_id = ? and attempt_log is not null and app_event_id in (${about})`;
      forgotten += await this.scope.db.run(sql, [this.scope.appId, this.scope.appId, ...part]);
    }
    return forgotten;
  }

  /** Gives up to `limit` of what waits for an endpoint up; returns how many. */
  async giveUp(endpointId: string, reason: string, limit: number): Promise<number> {
    const { db, appId } = this.scope;
    const sql = `select id from billing_webhook_deliveries where app_id = ? and endpoint_id = ? and turn in ('new', 'due', 'behind') limit ${limit}`;
    const ids = (await db.query(sql, [appId, endpointId])).map((row) => String(row['id']));
    if (ids.length === 0) return 0;
    return db.run(
      `update billing_webhook_deliveries set status = ?, turn = null, due_at = null, last_error = ? where app_id = ? and id in (${places(ids)})`,
      [WebhookDeliveryStatus.GAVE_UP, reason, appId, ...ids],
    );
  }

  private async waiting(which: string, endpointId: string, limit: number): Promise<WaitingDelivery[]> {
    const rows = await this.scope.db.query(`${WAITING} and ${which} limit ${limit}`, [this.scope.appId, endpointId]);
    return rows.map((row) => this.waitingFrom(row));
  }

  private waitingFrom(row: RawRow): WaitingDelivery {
    const log = row['attempt_log'] === null ? [] : (JSON.parse(String(row['attempt_log'])) as KeptAttempt[]);
    const event: ToldEvent = {
      id: String(row['event_id']),
      type: String(row['type']),
      schemaVersion: String(row['schema_version']),
      sequence: Number(row['sequence']),
      cause: String(row['cause']),
      payload: String(row['payload']),
      occurredAt: this.scope.db.time.read(row['occurred_at']),
    };
    const createdAt = this.scope.db.time.read(row['created_at']);
    return { id: String(row['id']), lane: String(row['lane']), attempts: Number(row['attempts']), log, createdAt, event };
  }
}
