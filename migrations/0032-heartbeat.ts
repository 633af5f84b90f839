import { PortableMigration } from './portable-migration.js';

/** The beat that shows how far a replica is: it concerns all apps, and none. */
export class Migration0032Heartbeat extends PortableMigration {
  protected readonly statements = [
    `create table billing_heartbeats (
      app_id varchar(64) not null,
      id varchar(64) not null,
      beat varchar(64) not null,
      primary key (app_id, id)
    )`,
  ];
}
