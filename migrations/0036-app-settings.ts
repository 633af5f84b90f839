import { PortableMigration } from './portable-migration.js';

/** What an app sets for itself: one row for each that ever did. */
export class Migration0036AppSettings extends PortableMigration {
  protected readonly statements = [
    `create table billing_app_settings (
      app_id varchar(64) not null,
      id varchar(64) not null,
      version int not null,
      brand_name varchar(255) null,
      brand_color varchar(7) null,
      time_zone varchar(64) not null,
      locale varchar(35) not null,
      portal mediumtext not null,
      lock_count bigint not null default 0,
      primary key (app_id, id)
    )`,
  ];
}
