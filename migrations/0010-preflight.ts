import { PortableMigration } from './portable-migration.js';

/** What people and programs attested of the deployment: it concerns all apps, and none. */
export class Migration0010Preflight extends PortableMigration {
  protected readonly statements = [
    `create table billing_attestations (
      id varchar(64) not null,
      check_id varchar(64) not null,
      attested_by varchar(100) not null,
      note varchar(1000) null,
      attested_at datetime(3) not null,
      expires_at datetime(3) null,
      primary key (id)
    )`,
    'create index billing_attestations_check on billing_attestations (check_id, attested_at)',
  ];
}
