import { PortableMigration } from './portable-migration.js';

/** What changed within a time is looked for in the order of the changes. */
export class Migration0017Updated extends PortableMigration {
  protected readonly statements = ['customers', 'subscriptions', 'payments', 'refunds', 'disputes'].map(
    (noun) => `create index billing_${noun}_updated on billing_${noun} (app_id, updated_at)`,
  );
}
