import { inParts } from '../platform/db/sql.js';
import { IllegalTransition } from '../platform/errors.js';
import type { Outcome } from '../platform/idempotency/mutation.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { jobsAbout } from './event-catalogue.js';
import { type WebhookEvent, WebhookEventStatus } from './webhook-event.entity.js';
import { type ReopenFilter, WebhookEventRepository } from './webhook-event.repository.js';

/** How well webhooks are being handled. */
export interface WebhookHealth {
  readonly received: number;
  readonly failed: number;
  readonly dead: number;
  readonly oldestUnhandledAt: Date | null;
  /** How long the oldest event that is not dead has been waiting, ms. */
  readonly lagMs: number;
}

/** What people do with stored events. */
export class WebhookService {
  constructor(private readonly jobs: Jobs) {}

  /** Has an event handled again: its object is fetched and recorded, which is always safe to repeat. */
  async replay(scope: Scope, id: string): Promise<Outcome<WebhookEvent>> {
    const event = await WebhookEventRepository.of(scope).get(id);
    if (event.objectId === null) throw new IllegalTransition('webhook event', 'only recorded', 'replayed');
    await this.replayAll(scope, { eventIds: [id] });
    return { row: await WebhookEventRepository.of(scope).find(id), errors: [], replayed: false };
  }

  /**
   * Has every matching event handled again, some hundred in one transaction; returns how many objects will be looked
   * at. Cut off in between it may be repeated.
   */
  async replayAll(scope: Scope, filter: ReopenFilter): Promise<number> {
    const objects = new Set<string>();
    for (const eventIds of filter.eventIds === undefined ? [undefined] : inParts(filter.eventIds)) {
      const part: ReopenFilter = { ...filter, ...(eventIds && { eventIds }) };
      for (let afterId: string | null = ''; afterId !== null; ) afterId = await this.replaySome(scope, part, { afterId, objects });
    }
    scope.request.log.info('webhooks replayed', { objects: objects.size });
    return objects.size;
  }

  private replaySome(scope: Scope, filter: ReopenFilter, from: { afterId: string; objects: Set<string> }): Promise<string | null> {
    return scope.transaction(async (tx) => {
      const { events, lastId } = await WebhookEventRepository.of(tx).reopen(filter, from.afterId);
      const jobs = jobsAbout(events);
      await this.jobs.enqueueAll(tx, jobs);
      for (const { kind, subject } of jobs) from.objects.add(`${kind} ${subject}`);
      return lastId;
    });
  }

  async health(scope: Scope): Promise<WebhookHealth> {
    const { counts, oldestReceivedAt } = await WebhookEventRepository.of(scope).backlog();
    return {
      received: counts.get(WebhookEventStatus.RECEIVED) ?? 0,
      failed: counts.get(WebhookEventStatus.FAILED) ?? 0,
      dead: counts.get(WebhookEventStatus.DEAD) ?? 0,
      oldestUnhandledAt: oldestReceivedAt,
      lagMs: oldestReceivedAt === null ? 0 : scope.now().getTime() - oldestReceivedAt.getTime(),
    };
  }
}
