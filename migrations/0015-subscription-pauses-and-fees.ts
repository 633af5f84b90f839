import { PortableMigration } from './portable-migration.js';

/** When a subscription is to be paused, and what the platform keeps of each of its payments. */
export class Migration0015SubscriptionPausesAndFees extends PortableMigration {
  protected readonly statements = [
    'alter table billing_subscriptions add column pause_at datetime(3) null',
    'alter table billing_subscriptions add column platform_fee_minor bigint null',
  ];
}
