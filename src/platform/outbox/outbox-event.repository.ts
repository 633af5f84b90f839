import type { Page, PageRequest } from '../tenancy/page.js';
import { TenantRepository } from '../tenancy/tenant.repository.js';
import { OutboxEvent } from './outbox-event.entity.js';

/** What happened in an app. Only read here: events are written by those who make them happen, and never changed. */
export class OutboxEventRepository extends TenantRepository<OutboxEvent> {
  protected readonly entity = OutboxEvent;
  protected readonly noun = 'event';

  /** Everything that happened, newest first. */
  all(page: PageRequest): Promise<Page<OutboxEvent>> {
    return this.page({}, page);
  }

  /** What happened to an object that goes by any of these ids, newest first. */
  ofObject(ids: readonly string[], page: PageRequest): Promise<Page<OutboxEvent>> {
    return this.page({ objectId: ids }, page);
  }
}
