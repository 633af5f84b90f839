import { type Migration, migrationOf, type Statement } from '../src/platform/db/migration-steps.js';

/**
 * A migration whose SQL MySQL, MariaDB and SQLite all take. Its statements have the forms of
 * `src/platform/db/migration-steps.ts` and go in order; one that was killed goes on where the schema shows that it was.
 * An UPDATE or INSERT is written so that it leaves out what it did. CONTRIBUTING, "Recipe: change a table", says how.
 */
export abstract class PortableMigration {
  protected abstract readonly statements: readonly Statement[];
  /** Why nothing undoes it, and what to do instead; null where what it made is simply taken away. */
  protected readonly noWayBack: string | null = null;

  /** As the migrator runs it. Throws if a statement has no form that is known. */
  migration(): Migration {
    return migrationOf(this.statements, this.noWayBack);
  }
}
