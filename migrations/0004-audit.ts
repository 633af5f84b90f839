import { PortableMigration } from './portable-migration.js';

/** Who exactly made an event, what made them do it, and what it was beside a change of status. */
export class Migration0004Audit extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  'alter table billing_events add column actor_id varchar(128) null',
  'alter table billing_events add column cause varchar(255) null',
  'alter table billing_events add column details mediumtext null',
];
