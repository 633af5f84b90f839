import { PortableMigration } from './portable-migration.js';

const ASKED_FOR = (table: string, kind: string): string =>
  `exists (select 1 from billing_jobs where billing_jobs.app_id = ${table}.app_id and billing_jobs.kind = '${kind}' and billing_jobs.subject = ${table}.id)`;

/** What ends a payment method or a customer is marked on its row while it is under way; what is under way already gets its mark. */
export class Migration0013Endings extends PortableMigration {
  protected readonly statements = [
    'alter table billing_payment_methods add column detaching_at datetime(3) null',
    'alter table billing_customers add column deleting_at datetime(3) null',
    `update billing_payment_methods set detaching_at = updated_at where detached_at is null and detaching_at is null and ${ASKED_FOR('billing_payment_methods', 'paymentMethodDetach')}`,
    `update billing_customers set deleting_at = updated_at where deleted_at is null and deleting_at is null and ${ASKED_FOR('billing_customers', 'customerDelete')}`,
  ];
}
