import { PortableMigration } from './portable-migration.js';

/** What an app is told: its events, their order, and how many each object has had. */
export class Migration0033AppEvents extends PortableMigration {
  protected readonly statements = [
    `create table billing_app_events (
      app_id varchar(64) not null,
      id varchar(64) not null,
      type varchar(64) not null,
      schema_version varchar(16) not null,
      object_id varchar(64) not null,
      sequence int not null,
      person_id varchar(64) null,
      cause varchar(255) not null,
      payload mediumtext not null,
      occurred_at datetime(3) not null,
      created_at datetime(3) not null,
      position bigint null,
      unpublished_since datetime(3) null,
      primary key (app_id, id)
    )`,
    'create unique index billing_app_events_sequence on billing_app_events (app_id, object_id, sequence)',
    'create unique index billing_app_events_position on billing_app_events (app_id, position)',
    'create index billing_app_events_type on billing_app_events (app_id, type, position)',
    'create index billing_app_events_person on billing_app_events (app_id, person_id, id)',
    'create index billing_app_events_unpublished on billing_app_events (unpublished_since, app_id, id)',
    ...[
      'billing_customers',
      'billing_payment_methods',
      'billing_subscriptions',
      'billing_payments',
      'billing_refunds',
      'billing_disputes',
      'billing_divergences',
    ].map((table) => `alter table ${table} add column event_sequence int not null default 0`),
  ];
}
