import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import type { EventObject } from './event-object.js';
import { WebhookEvent, WebhookEventStatus } from './webhook-event.entity.js';

const { RECEIVED, PROCESSED, FAILED, DEAD } = WebhookEventStatus;
const UNHANDLED = [RECEIVED, FAILED, DEAD];

/** Webhook events of an app. */
export class WebhookEventRepository extends TenantRepository<WebhookEvent> {
  protected readonly entity = WebhookEvent;
  protected readonly noun = 'webhook event';

  list(page: PageRequest, status: WebhookEventStatus[] | null, type: string | null): Promise<Page<WebhookEvent>> {
    return this.page({ ...(status === null ? {} : { status }), ...(type === null ? {} : { type }) }, page);
  }

  /** Counts one more delivery of an event; false if it was never stored. */
  async countDelivery(eventId: string): Promise<boolean> {
    const sql = 'update billing_webhooks set deliveries = deliveries + 1 where app_id = ? and event_id = ?';
    return (await this.scope.run(sql, [this.scope.appId, eventId])) > 0;
  }

  /** Ids of an object's events that wait to be handled now. What arrives later is not among them. */
  async unhandledOf(object: EventObject): Promise<string[]> {
    const rows = await this.rows({ objectKind: object.kind, objectId: object.id, status: UNHANDLED });
    return rows.map((row) => row.id);
  }

  async markProcessed(ids: readonly string[], now: Date): Promise<void> {
    if (ids.length === 0) return;
    await this.scope.run(
      `update billing_webhooks set status = ?, attempts = attempts + 1, error = null, processed_at = ? where app_id = ? and id in (${ids.map(() => '?').join(', ')})`,
      [PROCESSED, now, this.scope.appId, ...ids],
    );
  }

  /** Says on every waiting event of an object that handling it failed. */
  async markFailed(object: EventObject, error: string, isDead: boolean): Promise<void> {
    const ids = await this.unhandledOf(object);
    if (ids.length === 0) return;
    await this.scope.run(
      `update billing_webhooks set status = ?, attempts = attempts + 1, error = ? where app_id = ? and id in (${ids.map(() => '?').join(', ')})`,
      [isDead ? DEAD : FAILED, error.slice(0, 1000), this.scope.appId, ...ids],
    );
  }
}
