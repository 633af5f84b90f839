import { PortableMigration } from './portable-migration.js';

/** By which request the secret of an endpoint was made, so that a repeat of that request is shown it again. */
export class Migration0035SecretRequests extends PortableMigration {
  protected readonly statements = ['alter table billing_webhook_endpoints add column issuing_request varchar(64) null'];
}
