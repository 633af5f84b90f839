import { PortableMigration } from './portable-migration.js';

/**
 * Leases in the database's time: what goes first, how many requests may still be carried out, and since when. Of work that is there nobody
 * knows whether something was sent for it, so it counts as sent when it was asked for. Keys ask their job who is at it.
 */
export class Migration0012Leases extends PortableMigration {
  protected override readonly noWayBack = 'what keys were held until is not known any more. Restore the backup that was taken before it.';
  protected readonly statements = [
    'alter table billing_jobs add column priority int not null default 1',
    'alter table billing_jobs add column sends int not null default 0',
    `update billing_jobs set priority = 0, sends = case when sent_at is null then 1 else 2 end, sent_at = coalesce(sent_at, created_at) where sends = 0 and kind in (
      'customerCreate', 'customerDelete', 'paymentMethodAttach', 'paymentMethodDetach', 'paymentCreate', 'paymentCapture', 'paymentCancel',
      'refundCreate', 'subscriptionCreate', 'subscriptionUpdate', 'subscriptionPause', 'subscriptionResume', 'subscriptionCancel',
      'subscriptionReactivate')`,
    "update billing_jobs set priority = 2 where kind in ('webhook.backfill', 'reconcile', 'retention.sweep')",
    'drop index billing_jobs_due on billing_jobs',
    'create index billing_jobs_due on billing_jobs (due_at, priority, app_id)',
    'create index billing_jobs_turn on billing_jobs (app_id, priority, due_at, id)',
    'alter table billing_idempotency_keys drop column held_until',
  ];
}
