import { PortableMigration } from './portable-migration.js';

/** Since when an app is suspended, and since when it is removed but for its financial records. */
export class Migration0030AppLife extends PortableMigration {
  protected readonly statements = [
    'alter table billing_apps add column suspended_at datetime(3) null',
    'alter table billing_apps add column removed_at datetime(3) null',
  ];
}
