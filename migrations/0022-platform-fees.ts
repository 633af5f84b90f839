import { PortableMigration } from './portable-migration.js';

/** What of a payment goes to the platform. Null where none was asked for, and where it is not known yet. */
export class Migration0022PlatformFees extends PortableMigration {
  protected readonly statements = ['alter table billing_payments add column platform_fee_minor bigint null'];
}
