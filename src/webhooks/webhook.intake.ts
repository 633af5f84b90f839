import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import { places } from '../platform/db/sql.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import { isIn, type Spread } from '../platform/jobs/spread.js';
import { errorFields, type Log } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { jobsAbout } from './event-catalogue.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

interface WebhookIntakeParts {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly spread: Spread;
  readonly scopeOf: (appId: string) => Promise<Scope | null>;
  readonly clock: Clock;
  readonly log: Log;
}

/** An event that is not queued yet. */
interface Waiting {
  readonly appId: string;
  readonly id: string;
}

/** Enough to keep a worker in work, few enough to be queued before the first of them has to wait for long. */
const AT_ONCE = 200;
/** So many of them at least, where others are at the rest. */
const AT_ONCE_MIN = 20;
/** How long an app whose events could not be queued is skipped, ms, so that it does not block the others. */
const REST_MS = 5_000;

/**
 * Puts the objects of events that arrived into the queue. The inbox leaves that to us, so that what Tilled waits for is
 * one statement; until it is done an event says so itself. Any number may do it at once: on one server each event is
 * locked by one of them, and in a cluster who commits first has queued it.
 */
export class WebhookIntake {
  /** Until when an app is skipped, by its id. */
  private readonly resting = new Map<string, number>();

  constructor(private readonly parts: WebhookIntakeParts) {}

  /** Queues what waits longest, of all apps. An app for which it fails is logged and skipped for a while. */
  async take(): Promise<void> {
    const longest = await this.waitingLongest();
    const ours = this.parts.spread.partFor(AT_ONCE_MIN, longest.length);
    const waiting = longest.filter(({ id }) => isIn(ours, id));
    const byApp = Map.groupBy(waiting, ({ appId }) => appId);
    await Promise.all([...byApp].map(([appId, events]) => this.queueOrRest(appId, events)));
  }

  /** How many events wait for it, of all apps. */
  async waiting(): Promise<number> {
    const [row] = await this.parts.database.query('select count(*) as n from billing_webhooks where unqueued_since is not null', []);
    return Number(row?.n ?? 0);
  }

  private async waitingLongest(): Promise<readonly Waiting[]> {
    const nowMs = this.parts.clock.now().getTime();
    for (const [appId, untilMs] of this.resting) if (untilMs <= nowMs) this.resting.delete(appId);
    const except = [...this.resting.keys()];
    const rows = await this.parts.database.query(oldest(except), except);
    return rows.map((row) => ({ appId: String(row.app_id), id: String(row.id) }));
  }

  private async queueOrRest(appId: string, events: readonly Waiting[]): Promise<void> {
    try {
      await this.queue(
        appId,
        events.map(({ id }) => id),
      );
    } catch (error) {
      this.resting.set(appId, this.parts.clock.now().getTime() + REST_MS);
      this.parts.log.error('events that arrived could not be queued', { appId, ...errorFields(error) });
    }
  }

  private async queue(appId: string, ids: readonly string[]): Promise<void> {
    const scope = await this.parts.scopeOf(appId);
    let begun = 0;
    await scope?.transaction(async (tx) => {
      begun += 1;
      // Somebody else has queued some of them. What is left is for the next time.
      if (begun > 1) return this.parts.spread.lost();
      const events = WebhookEventRepository.of(tx);
      const unqueued = await events.lockUnqueued(ids);
      await this.parts.jobs.enqueueAll(tx, jobsAbout(unqueued));
      await events.markQueued(unqueued.map(({ id }) => id));
    });
  }
}

function oldest(except: readonly string[]): string {
  const others = except.length === 0 ? '' : ` and app_id not in (${places(except)})`;
  return `select app_id, id from billing_webhooks where unqueued_since is not null${others} order by unqueued_since, app_id, id limit ${AT_ONCE}`;
}
