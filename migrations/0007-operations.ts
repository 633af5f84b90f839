import { PortableMigration } from './portable-migration.js';

/** Backups and restore drills of the deployment. */
export class Migration0007Operations extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  `create table billing_backups (
    id varchar(64) not null,
    kind varchar(16) not null,
    started_at datetime(3) not null,
    finished_at datetime(3) not null,
    succeeded boolean not null,
    snapshot_id varchar(64) null,
    manifest_digest varchar(64) null,
    rpo_ms bigint null,
    rto_ms bigint null,
    reason varchar(1000) null,
    primary key (id)
  )`,
  'create index billing_backups_kind on billing_backups (kind, succeeded, finished_at)',
];
