import type { Constructor, MigrationObject } from '@mikro-orm/core';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import type { Database } from './database.js';

/** Migrations by name, oldest first. */
export type MigrationList = { readonly name: string; readonly class: Constructor<Migration> }[];

/** What a look at the database found before the gateway starts. */
export type SchemaState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'behind'; readonly pending: readonly string[] }
  | { readonly kind: 'foreign'; readonly tables: readonly string[] };

const LOG_TABLE = 'billing_migrations';
/** Names of locks are the server's, not the database's, and at most 64 characters long. */
const LOCK_NAME = "concat('billing_migrate_', md5(database()))";
const LOCK_WAIT_SECONDS = 60;
const TRIES_OF_THE_EMBEDDED = 3;

/** Brings a database to the newest schema, and tells how far it is. */
export class SchemaMigrator {
  constructor(
    private readonly database: Database,
    private readonly migrations: MigrationList,
  ) {}

  /** Applies what is missing, one process at a time; returns the names applied. */
  async migrate(): Promise<string[]> {
    return this.alone(async () => (await this.migrator().up()).map((applied) => applied.name));
  }

  /** Ready, behind, or a database that is not ours at all. Writes nothing. */
  async inspect(): Promise<SchemaState> {
    const tables = await this.tables();
    const foreign = tables.filter((table) => !table.startsWith('billing_'));
    if (foreign.length > 0) return { kind: 'foreign', tables: foreign };
    const names = this.migrations.map((migration) => migration.name);
    if (!tables.includes(LOG_TABLE)) return { kind: 'behind', pending: names };
    const applied = (await this.database.query(`select name from ${LOG_TABLE}`, [])).map((row) => String(row.name));
    const pending = names.filter((name) => !applied.includes(name));
    return pending.length === 0 ? { kind: 'ready' } : { kind: 'behind', pending };
  }

  private async tables(): Promise<string[]> {
    const sql = this.database.isEmbedded
      ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
      : "select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'";
    return (await this.database.query(sql, [])).map((row) => String(row.name));
  }

  private migrator(): Migrator {
    const { orm } = this.database;
    orm.config.set('migrations', {
      ...orm.config.get('migrations'),
      tableName: LOG_TABLE,
      migrationsList: this.migrations as MigrationObject[],
      snapshot: false,
      silent: true,
      // MySQL commits before and after each statement that changes a table: a wrapping transaction would only pretend.
      transactional: this.database.isEmbedded,
      allOrNothing: this.database.isEmbedded,
      disableForeignKeys: false,
    });
    return new Migrator(orm.em as ConstructorParameters<typeof Migrator>[0]);
  }

  /** Several gateways may start at once; a lock of the server's, named after the database, lets one of them migrate. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.database.isEmbedded) return this.asOneOfSeveral(work);
    return this.database.transaction(async (em) => {
      const [row] = await this.database.query(`select get_lock(${LOCK_NAME}, ?) as held`, [LOCK_WAIT_SECONDS], em);
      if (Number(row?.held) !== 1) throw new Error(`Another process has been migrating for over ${LOCK_WAIT_SECONDS} s.`);
      try {
        return await work();
      } finally {
        await this.database.query(`select release_lock(${LOCK_NAME}) as released`, [], em);
      }
    });
  }

  /** The embedded file has no such lock. All is one transaction: who comes second fails, and looks again. */
  private async asOneOfSeveral<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries >= TRIES_OF_THE_EMBEDDED) throw error;
      }
    }
  }
}
