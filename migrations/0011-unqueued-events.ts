import { PortableMigration } from './portable-migration.js';

/** Events that arrived and whose object is not in the queue yet: they are stored by one statement, and a worker does the rest. */
export class Migration0011UnqueuedEvents extends PortableMigration {
  protected readonly statements = [
    'alter table billing_webhooks add column unqueued_since datetime(3) null',
    'create index billing_webhooks_unqueued on billing_webhooks (unqueued_since, app_id, id)',
  ];
}
