import { PortableMigration } from './portable-migration.js';

/** Rows that are locked can be written without changing what they say, which makes their lock one of a whole cluster. */
export class Migration0031Locks extends PortableMigration {
  protected readonly statements = [
    'billing_customers',
    'billing_payment_methods',
    'billing_subscriptions',
    'billing_payments',
    'billing_refunds',
    'billing_disputes',
    'billing_idempotency_keys',
    'billing_jobs',
    'billing_divergences',
    'billing_erasures',
    'billing_cursors',
    'billing_imports',
    'billing_reconciliations',
    'billing_webhook_secrets',
  ].map((table) => `alter table ${table} add column lock_count bigint not null default 0`);
}
