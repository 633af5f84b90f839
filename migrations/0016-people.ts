import { PortableMigration } from './portable-migration.js';

/** Customers whom somebody deleted at the processor are known to be missing there; deleted ones are remembered, sealed, until swept. */
export class Migration0016People extends PortableMigration {
  protected readonly statements = [
    'alter table billing_customers add column missing_since datetime(3) null',
    `create table billing_erasures (
      app_id varchar(64) not null,
      id varchar(64) not null,
      person_sealed mediumtext not null,
      created_at datetime(3) not null,
      primary key (app_id, id),
      constraint billing_erasures_of_customer foreign key (app_id, id) references billing_customers (app_id, id)
    )`,
  ];
}
