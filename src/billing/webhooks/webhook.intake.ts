import type { Database } from '../../platform/db/database.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import { errorFields, type Log } from '../../platform/log.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { jobsAbout } from './event-catalogue.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

interface WebhookIntakeParts {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly scopeOf: (appId: string) => Promise<Scope | null>;
  readonly log: Log;
}

/** Enough to keep a worker in work, few enough to be queued before the first of them has to wait for long. */
const AT_ONCE = 200;

/**
 * Puts the objects of events that arrived into the queue. The inbox leaves that to us, so that what Tilled waits for is one statement;
 * until it is done an event says so itself. Any number may do it at once: each event is locked by one of them.
 */
export class WebhookIntake {
  constructor(private readonly parts: WebhookIntakeParts) {}

  /** Queues what waits longest, of all apps. An app for which it fails is logged and keeps its events; those of others are queued. */
  async take(): Promise<void> {
    const waiting = await this.parts.database.query(WAITING, []);
    const byApp = Map.groupBy(waiting, (row) => String(row.app_id));
    await Promise.all(
      [...byApp].map(([appId, rows]) =>
        this.queue(
          appId,
          rows.map((row) => String(row.id)),
        ).catch((error: unknown) => this.parts.log.error('events that arrived could not be queued', { appId, ...errorFields(error) })),
      ),
    );
  }

  /** How many events wait for it, of all apps. */
  async waiting(): Promise<number> {
    const [row] = await this.parts.database.query('select count(*) as n from billing_webhooks where unqueued_since is not null', []);
    return Number(row?.n ?? 0);
  }

  private async queue(appId: string, ids: readonly string[]): Promise<void> {
    const scope = await this.parts.scopeOf(appId);
    await scope?.transaction(async (tx) => {
      const events = WebhookEventRepository.of(tx);
      const unqueued = await events.lockUnqueued(ids);
      await this.parts.jobs.enqueueAll(tx, jobsAbout(unqueued));
      await events.markQueued(unqueued.map(({ id }) => id));
    });
  }
}

const WAITING = `select app_id, id from billing_webhooks where unqueued_since is not null order by unqueued_since, app_id, id limit ${AT_ONCE}`;
