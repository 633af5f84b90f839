import { PortableMigration } from './portable-migration.js';

/**
 * Scopes, expiry, last use and keyed hashes of API keys; sealed secrets and allowed origins of apps; registered documents.
 * The old column of session secrets is copied as it is: the next start (embedded) or `billing secrets rotate` seals it.
 */
export class Migration0005Access extends PortableMigration {
  protected readonly statements = STATEMENTS;
  protected override readonly noWayBack = 'secrets would have to lie in plain text again. Restore the backup that was taken before it.';
}

const STATEMENTS: readonly string[] = [
  'alter table billing_api_keys add column pepper_id varchar(16) null',
  'alter table billing_api_keys add column scopes mediumtext null',
  'alter table billing_api_keys add column expires_at datetime(3) null',
  'alter table billing_api_keys add column last_used_at datetime(3) null',
  'alter table billing_api_keys add column replaced_by varchar(64) null',
  'alter table billing_apps add column session_secret_sealed varchar(255) null',
  'update billing_apps set session_secret_sealed = session_secret',
  'alter table billing_apps drop column session_secret',
  'alter table billing_apps add column tilled_secret_key_sealed varchar(512) null',
  'alter table billing_apps add column cors_origins mediumtext null',
  `create table billing_operations (
    app_id varchar(64) not null,
    id varchar(64) not null,
    name varchar(255) not null,
    document mediumtext not null,
    created_at datetime(3) not null,
    primary key (app_id, id)
  )`,
];
