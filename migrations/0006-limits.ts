import { PortableMigration } from './portable-migration.js';

/** How much of a limit is used, shared by all processes, and the limits that were set for an app or a key. */
export class Migration0006Limits extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  `create table billing_limit_counters (
    app_id varchar(64) not null,
    id varchar(64) not null,
    used int not null,
    resets_at datetime(3) not null,
    primary key (app_id, id)
  )`,
  `create table billing_limits (
    app_id varchar(64) not null,
    id varchar(64) not null,
    requests_per_window int not null,
    updated_at datetime(3) not null,
    primary key (app_id, id)
  )`,
];
