import { IllegalTransition } from '../platform/errors.js';
import type { Outcome } from '../platform/idempotency/mutation.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { jobKindOf } from './event-catalogue.js';
import { type WebhookEvent, WebhookEventStatus } from './webhook-event.entity.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

/** Which stored events to handle again. */
export interface ReplayFilter {
  /** Ids of ours or of Tilled's. */
  readonly eventIds?: readonly string[];
  readonly since?: Date;
  readonly isDead?: true;
}

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

  /** Has every matching event handled again; returns how many objects will be looked at. */
  async replayAll(scope: Scope, filter: ReplayFilter): Promise<number> {
    const objects = await scope.transaction(async (tx) => {
      const reopened = await WebhookEventRepository.of(tx).reopen(filter);
      await this.jobs.enqueueAll(
        tx,
        reopened.map(({ kind, id }) => ({ kind: jobKindOf(kind), subject: id })),
      );
      return reopened;
    });
    scope.request.log.info('webhooks replayed', { objects: objects.length });
    return objects.length;
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
