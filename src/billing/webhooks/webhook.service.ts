import { IllegalTransition } from '../../platform/errors.js';
import type { Outcome } from '../../platform/idempotency/story.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { jobKindOf, type ObjectKind } from './event-object.js';
import { type WebhookEvent, WebhookEventStatus } from './webhook-event.entity.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

/** What people do with stored events. */
export class WebhookService {
  constructor(private readonly jobs: Jobs) {}

  /** Has an event handled again: its object is fetched and recorded, which is always safe to repeat. */
  async replay(scope: Scope, id: string): Promise<Outcome<WebhookEvent>> {
    await scope.transaction(async (tx) => {
      const event = await WebhookEventRepository.of(tx).lock(id);
      if (event.objectKind === null || event.objectId === null) throw new IllegalTransition('webhook event', 'only recorded', 'replayed');
      event.status = WebhookEventStatus.RECEIVED;
      event.error = null;
      event.processedAt = null;
      await tx.flush();
      await this.jobs.enqueue(tx, { kind: jobKindOf(event.objectKind as ObjectKind), subject: event.objectId });
    });
    scope.log.info('webhook replayed', { webhookEventId: id });
    return { row: await WebhookEventRepository.of(scope).find(id), errors: [], replayed: false };
  }
}
