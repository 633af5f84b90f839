import { inserting } from '../platform/db/sql.js';
import type { Part } from '../platform/tenancy/page.js';
import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import type { EventFact } from './event-catalogue.js';
import { WebhookFact } from './webhook-fact.entity.js';

const COLUMNS = 'app_id, id, type, object_id, payment_intent_id, code, message, amount_minor, occurred_at';

/** Facts of an app's events. */
export class WebhookFactRepository extends TenantRepository<WebhookFact> {
  protected readonly entity = WebhookFact;
  protected readonly noun = 'webhook fact';

  /** Keeps the facts of new events, in one statement. */
  async keepAll(facts: readonly EventFact[]): Promise<void> {
    if (facts.length === 0) return;
    const values = facts.flatMap((fact) => [
      this.scope.appId,
      ...[fact.eventId, fact.type, fact.objectId, fact.paymentIntentId, fact.code, fact.message, fact.amountMinor, fact.occurredAt],
    ]);
    await this.scope.db.run(inserting('billing_webhook_facts', COLUMNS, facts.length), values);
  }

  /** A part of the facts of a payment's intent, in the order they arrived. */
  shownOf(tilledPaymentIntentId: string, part: Part): Promise<WebhookFact[]> {
    return this.partOf('paymentIntentId', tilledPaymentIntentId, {}, part);
  }
}
