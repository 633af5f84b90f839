import { PortableMigration } from './portable-migration.js';

/** Runs of `billing import`, and what became of each line of their sources. Neither holds a value of a source: only lines and ids. */
export class Migration0008Imports extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  `create table billing_imports (
    app_id varchar(64) not null,
    id varchar(64) not null,
    fingerprint varchar(64) not null,
    source varchar(16) not null,
    state varchar(16) not null,
    fence int not null,
    totals mediumtext not null,
    created_at datetime(3) not null,
    updated_at datetime(3) not null,
    primary key (app_id, id)
  )`,
  'create index billing_imports_fingerprint on billing_imports (app_id, fingerprint, id)',
  `create table billing_import_items (
    app_id varchar(64) not null,
    id varchar(64) not null,
    run_id varchar(64) not null,
    noun varchar(16) not null,
    item_key varchar(64) not null,
    action varchar(16) not null,
    object_id varchar(64) null,
    tilled_id varchar(64) null,
    version int null,
    is_marked boolean not null,
    reason varchar(500) null,
    created_at datetime(3) not null,
    primary key (app_id, id),
    constraint billing_import_items_of_run foreign key (app_id, run_id) references billing_imports (app_id, id)
  )`,
  'create unique index billing_import_items_key on billing_import_items (app_id, run_id, noun, item_key)',
];
