import { PortableMigration } from './portable-migration.js';

/** When work last reached out to Tilled, secrets that can be rotated, transitions as they happen, facts of events, and how far Tilled's event list was read. */
export class Migration0002Webhooks extends PortableMigration {
  protected readonly statements = STATEMENTS;
}

const STATEMENTS: readonly string[] = [
  'alter table billing_jobs add column sent_at datetime(3) null',
  `create table billing_webhook_secrets (
    app_id varchar(64) not null,
    id varchar(64) not null,
    secret varchar(255) not null,
    tilled_endpoint_id varchar(64) null,
    created_at datetime(3) not null,
    expires_at datetime(3) null,
    primary key (app_id, id)
  )`,
  `create table billing_events (
    app_id varchar(64) not null,
    id varchar(64) not null,
    type varchar(64) not null,
    object_id varchar(64) not null,
    from_status varchar(32) not null,
    to_status varchar(32) not null,
    actor varchar(16) not null,
    request_id varchar(64) not null,
    created_at datetime(3) not null,
    primary key (app_id, id)
  )`,
  'create index billing_events_object on billing_events (app_id, object_id, id)',
  `create table billing_webhook_facts (
    app_id varchar(64) not null,
    id varchar(64) not null,
    type varchar(64) not null,
    object_id varchar(64) not null,
    payment_intent_id varchar(64) null,
    code varchar(64) null,
    message varchar(500) null,
    amount_minor bigint null,
    occurred_at datetime(3) not null,
    primary key (app_id, id)
  )`,
  'create index billing_webhook_facts_intent on billing_webhook_facts (app_id, payment_intent_id, id)',
  `create table billing_cursors (
    app_id varchar(64) not null,
    id varchar(64) not null,
    position varchar(64) not null,
    updated_at datetime(3) not null,
    primary key (app_id, id)
  )`,
];
