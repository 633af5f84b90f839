import { PortableMigration } from './portable-migration.js';

/** Where our books and Tilled's differ, how far comparing them has come, and the transitions of disputes. */
export class Migration0003Divergences extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  `create table billing_divergences (
    app_id varchar(64) not null,
    id varchar(64) not null,
    kind varchar(20) not null,
    class varchar(20) not null,
    object_id varchar(64) null,
    tilled_id varchar(64) null,
    open_key varchar(128) null,
    fields mediumtext not null,
    ours mediumtext null,
    theirs mediumtext null,
    status varchar(12) not null,
    detections int not null,
    occurred_at datetime(3) null,
    detected_at datetime(3) not null,
    seen_at datetime(3) not null,
    closed_at datetime(3) null,
    closed_by varchar(100) null,
    note varchar(1000) null,
    primary key (app_id, id),
    constraint billing_divergences_open_sound check ((status = 'OPEN' and open_key is not null) or (status <> 'OPEN' and open_key is null))
  )`,
  'create unique index billing_divergences_open on billing_divergences (app_id, open_key)',
  'create index billing_divergences_status on billing_divergences (app_id, status, id)',
  'create index billing_divergences_object on billing_divergences (app_id, object_id, id)',
  'create index billing_divergences_detected on billing_divergences (app_id, detected_at)',
  `create table billing_reconciled (
    app_id varchar(64) not null,
    id varchar(64) not null,
    looked_at datetime(3) not null,
    primary key (app_id, id)
  )`,
  `create table billing_reconciliations (
    app_id varchar(64) not null,
    id varchar(64) not null,
    step varchar(32) not null,
    position varchar(64) not null,
    looked int not null,
    busy int not null,
    started_at datetime(3) not null,
    finished_at datetime(3) null,
    primary key (app_id, id)
  )`,
  // Disputes had a status and no transitions: what they were first seen in becomes their first one.
  `insert into billing_events (app_id, id, type, object_id, from_status, to_status, actor, request_id, created_at)
    select app_id, concat('evt_', substr(id, 4)), concat('dispute.', lower(status)), id, 'NEW', status, 'job', 'migration', created_at from billing_disputes
    where not exists (select 1 from billing_events
      where billing_events.app_id = billing_disputes.app_id and billing_events.id = concat('evt_', substr(billing_disputes.id, 4)))`,
];
