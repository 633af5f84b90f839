import { PortableMigration } from './portable-migration.js';

/** Where apps are told of their events, and what became of telling them. */
export class Migration0034Deliveries extends PortableMigration {
  protected readonly statements = [
    `create table billing_webhook_endpoints (
      app_id varchar(64) not null,
      id varchar(64) not null,
      version int not null,
      url varchar(2048) not null,
      types mediumtext not null,
      is_enabled boolean not null,
      disabled_reason varchar(32) null,
      secret_sealed varchar(255) null,
      previous_secret_sealed varchar(255) null,
      previous_expires_at datetime(3) null,
      failing_since datetime(3) null,
      failures int not null,
      paused_until datetime(3) null,
      event_sequence int not null default 0,
      lock_count bigint not null default 0,
      created_at datetime(3) not null,
      updated_at datetime(3) not null,
      deleted_at datetime(3) null,
      primary key (app_id, id)
    )`,
    `create table billing_webhook_deliveries (
      app_id varchar(64) not null,
      id varchar(64) not null,
      endpoint_id varchar(64) not null,
      app_event_id varchar(64) not null,
      lane varchar(64) not null,
      position bigint not null,
      status varchar(16) not null,
      turn varchar(8) null,
      due_at datetime(3) null,
      attempts int not null,
      last_status int null,
      last_error varchar(255) null,
      attempt_log mediumtext null,
      delivered_at datetime(3) null,
      created_at datetime(3) not null,
      primary key (app_id, id),
      foreign key (app_id, endpoint_id) references billing_webhook_endpoints (app_id, id),
      foreign key (app_id, app_event_id) references billing_app_events (app_id, id)
    )`,
    'create index billing_webhook_deliveries_turn on billing_webhook_deliveries (app_id, endpoint_id, turn, due_at, position)',
    'create index billing_webhook_deliveries_lane on billing_webhook_deliveries (app_id, endpoint_id, lane, turn)',
    'create index billing_webhook_deliveries_event on billing_webhook_deliveries (app_id, app_event_id)',
    'create index billing_webhook_deliveries_endpoint on billing_webhook_deliveries (app_id, endpoint_id, id)',
    'create index billing_webhook_deliveries_status on billing_webhook_deliveries (app_id, status, id)',
  ];
}
