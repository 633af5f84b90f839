import type { MigrationsOptions, Transaction } from '@mikro-orm/core';
import { MigrationStorage } from '@mikro-orm/migrations';
import type { AbstractSqlDriver } from '@mikro-orm/sql';
import type { Database } from './database.js';

/** The table with the names of the migrations that are applied, made and written as the ORM does it. */
export const LOG_TABLE = 'billing_migrations';

/** Which migrations are applied. With a transaction everything goes through it. */
export class AppliedMigrations {
  private readonly storage: MigrationStorage;

  constructor(database: Database, transaction: Transaction | null) {
    const options: MigrationsOptions = { tableName: LOG_TABLE };
    this.storage = new MigrationStorage(database.orm.em.getDriver() as unknown as AbstractSqlDriver, options);
    if (transaction !== null) this.storage.setMasterMigration(transaction);
  }

  /** Their names, in the order in which they were applied; makes the table where there is none. */
  names(): Promise<string[]> {
    return this.storage.executed();
  }

  /** A migration is applied from now on. */
  async add(name: string): Promise<void> {
    await this.storage.logMigration({ name });
  }

  /** A migration is not applied any more. */
  async remove(name: string): Promise<void> {
    await this.storage.unlogMigration({ name });
  }
}
