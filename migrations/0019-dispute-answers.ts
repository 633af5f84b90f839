import { PortableMigration } from './portable-migration.js';

/** When evidence was sent to a dispute, as Tilled says, and when the app conceded it instead. */
export class Migration0019DisputeAnswers extends PortableMigration {
  protected readonly statements = [
    'alter table billing_disputes add column evidence_submitted_at datetime(3) null',
    'alter table billing_disputes add column conceded_at datetime(3) null',
  ];
}
