import { ANSWERABLE_STATUSES } from '../../billing/disputes/dispute.states.js';
import { PaymentStatus } from '../../billing/payments/payment.states.js';
import { LIVE_STATUSES } from '../../billing/subscriptions/subscription.states.js';
import type { Database } from '../../platform/db/database.js';
import type { Query } from '../../platform/db/replicas/replica.js';
import type { Replicas } from '../../platform/db/replicas/replicas.js';
import type { RawRow } from '../../platform/db/table.js';
import { WebhookEventStatus } from '../../webhooks/webhook-event.entity.js';
import { countOpenDivergences } from '../reconciliation/open-divergences.js';

/** How many there are, and how long the oldest has been there, s; 0 for none. */
export interface CountAndAge {
  readonly count: number;
  readonly oldestSeconds: number;
}

/** How much work waits, and how many objects are in each state, over all apps. Maps have every key. */
export interface OperationalCounts {
  readonly events: ReadonlyMap<string, number>;
  /** Objects that wait to be fetched, and events without a job yet; age since the first event of them. */
  readonly unhandled: CountAndAge;
  readonly jobs: ReadonlyMap<string, number>;
  /** For how long the oldest due work is due, s; an event without a job is due since it arrived. */
  readonly oldestDueSeconds: number;
  /** Events that apps are told and that have no place in their feeds yet. */
  readonly unpublished: CountAndAge;
  /** Payments and refunds whose outcome is unknown; age since what is unknown was asked for. */
  readonly unknown: ReadonlyMap<string, CountAndAge>;
  readonly subscriptions: ReadonlyMap<string, number>;
  /** Divergences that nobody has resolved, by class. */
  readonly divergences: ReadonlyMap<string, number>;
  /** Disputes that wait for an answer of ours, by how long it may still come. */
  readonly unansweredDisputes: ReadonlyMap<string, number>;
  /** Mutations of any kind whose outcome is not certain yet; age since they were asked for. */
  readonly intents: CountAndAge;
}

/** What is read, and what is counted by those whom it is about. */
interface CountedParts {
  readonly database: Database;
  /** Where counts may be taken that are a little old; null: there are none. */
  readonly replicas: Replicas | null;
  readonly openIntents: () => Promise<{ readonly count: number; readonly oldestAgeMs: number }>;
}

const EVENT_STATES = [WebhookEventStatus.RECEIVED, WebhookEventStatus.FAILED, WebhookEventStatus.DEAD];
const JOB_STATES = ['due', 'running', 'dead'];
/** A price for many subscriptions: counted no more often than this, ms. */
const SUBSCRIPTIONS_EVERY_MS = 60_000;

/**
 * Counts over all apps, for operators only. Every table but the queue, which holds only what waits, is read through an
 * index of each app and state: what is finished is never looked at.
 */
export class OperationalCountsReader {
  private readonly database: Database;
  private subscriptions: { readonly at: number; readonly counts: ReadonlyMap<string, number> } | undefined;

  constructor(private readonly parts: CountedParts) {
    this.database = parts.database;
  }

  async read(): Promise<OperationalCounts> {
    const { database, replicas } = this.parts;
    const stale = replicas?.reads();
    const query: Query = (sql, parameters) => (stale ?? database).query(sql, parameters);
    // One after the other: a scrape takes one connection, however many there are. The queue, and the time, are the
    // primary's: they say how work stands now, and that the database is there.
    const [clock] = await database.query(`select ${database.time.now} as now_at`, []);
    const unqueuedRows = await database.query(UNQUEUED, []);
    const unpublished = await database.query(UNPUBLISHED, []);
    const jobs = await database.query(JOBS, []);
    const intents = await this.parts.openIntents();
    const events = await this.countsOf(query, 'billing_webhooks', EVENT_STATES);
    const payments = await query(UNKNOWN_PAYMENTS, []);
    const refunds = await query(UNKNOWN_REFUNDS, []);
    const disputes = await query(this.unansweredDisputes, [...ANSWERABLE_STATUSES]);
    const divergences = await countOpenDivergences(query, database);
    const age = this.ageAt(clock?.now_at);
    const pileOf = ([row]: readonly RawRow[]): CountAndAge => ({ count: Number(row?.counted ?? 0), oldestSeconds: age(row?.oldest) });
    const unqueued = pileOf(unqueuedRows);
    const sync = jobs.filter((row) => Number(row.is_sync) === 1 && row.state !== 'dead');
    const due = jobs.filter((row) => row.state === 'due').map((row) => age(row.oldest_due));
    return {
      events,
      unhandled: {
        count: unqueued.count + total(sync),
        oldestSeconds: Math.max(unqueued.oldestSeconds, ...sync.map((row) => age(row.oldest))),
      },
      jobs: new Map(JOB_STATES.map((state) => [state, total(jobs.filter((row) => row.state === state))])),
      oldestDueSeconds: Math.max(unqueued.oldestSeconds, ...due),
      unpublished: pileOf(unpublished),
      unknown: new Map([
        ['payment', pileOf(payments)],
        ['refund', pileOf(refunds)],
      ]),
      subscriptions: await this.subscriptionCounts(query),
      unansweredDisputes: byDeadline(disputes.map((row) => this.msUntil(row.due_at, clock?.now_at))),
      divergences: new Map(Object.entries(divergences)),
      intents: { count: intents.count, oldestSeconds: intents.oldestAgeMs / 1000 },
    };
  }

  /** A join that begins with the apps: the embedded database would walk through the other table's whole index. */
  private get join(): string {
    return this.database.isEmbedded ? 'cross join' : 'straight_join';
  }

  /** Few are open at a time: their deadlines are sorted here. */
  private get unansweredDisputes(): string {
    const statuses = ANSWERABLE_STATUSES.map(() => '?').join(', ');
    return `select r.evidence_due_at as due_at from billing_apps a ${this.join} billing_disputes r on r.app_id = a.id and r.status in (${statuses})
      and r.conceded_at is null`;
  }

  /** Null for no moment; negative for one that is over. */
  private msUntil(moment: unknown, now: unknown): number | null {
    const { time } = this.database;
    return moment === null || moment === undefined ? null : time.read(moment).getTime() - time.read(now).getTime();
  }

  private async subscriptionCounts(query: Query): Promise<ReadonlyMap<string, number>> {
    const known = this.subscriptions;
    if (known !== undefined && performance.now() - known.at < SUBSCRIPTIONS_EVERY_MS) return known.counts;
    const counts = await this.countsOf(query, 'billing_subscriptions', LIVE_STATUSES);
    this.subscriptions = { at: performance.now(), counts };
    return counts;
  }

  private async countsOf(query: Query, table: string, states: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const branches = states.map(
      () => `select ? as state, count(*) as counted from billing_apps a ${this.join} ${table} r on r.app_id = a.id and r.status = ?`,
    );
    const rows = await query(
      branches.join(' union all '),
      states.flatMap((state) => [state, state]),
    );
    return new Map(states.map((state) => [state, total(rows.filter((row) => row.state === state))]));
  }

  /** How long ago a moment was, s, at a time of the database's own: that of all that waits. */
  private ageAt(now: unknown): (moment: unknown) => number {
    const { time } = this.database;
    const nowMs = time.read(now).getTime();
    return (moment) => (moment === null || moment === undefined ? 0 : Math.max(0, (nowMs - time.read(moment).getTime()) / 1000));
  }
}

const UNQUEUED = 'select count(*) as counted, min(unqueued_since) as oldest from billing_webhooks where unqueued_since is not null';

const UNPUBLISHED =
  'select count(*) as counted, min(unpublished_since) as oldest from billing_app_events where unpublished_since is not null';

const JOBS = `select j.state, case when j.kind like 'sync.%' then 1 else 0 end as is_sync, count(*) as counted,
  min(j.created_at) as oldest, min(j.due_at) as oldest_due from billing_jobs j group by j.state, case when j.kind like 'sync.%' then 1 else 0 end`;

/** What is unknown always has a job that finds out (see the invariants). */
const UNKNOWN_PAYMENTS = `select count(*) as counted, min(j.created_at) as oldest from billing_jobs j
  join billing_payments p on p.app_id = j.app_id and p.id = j.subject and p.status = '${PaymentStatus.UNKNOWN}'
  where j.kind in ('paymentCreate', 'paymentCapture', 'paymentCancel')`;

const UNKNOWN_REFUNDS = `select count(*) as counted, min(j.created_at) as oldest from billing_jobs j
  join billing_refunds r on r.app_id = j.app_id and r.id = j.subject and r.status = 'UNKNOWN' where j.kind = 'refundCreate'`;

/** How long a dispute may still be answered, the least first; without a deadline for long. */
const DEADLINES: readonly (readonly [string, number])[] = [
  ['past', 0],
  ['within_1_day', 86_400_000],
  ['within_3_days', 3 * 86_400_000],
  ['later', Number.POSITIVE_INFINITY],
];

function byDeadline(leftMs: readonly (number | null)[]): ReadonlyMap<string, number> {
  const nameOf = (ms: number | null) => DEADLINES.find(([, atMost]) => (ms ?? Number.POSITIVE_INFINITY) <= atMost)?.[0];
  const names = leftMs.map(nameOf);
  return new Map(DEADLINES.map(([name]) => [name, names.filter((found) => found === name).length]));
}

function total(rows: readonly RawRow[]): number {
  return rows.reduce((sum, row) => sum + Number(row.counted), 0);
}
