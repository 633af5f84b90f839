import { Migration } from '@mikro-orm/migrations';

/** Bytes are compared as they are: 'abc' and 'ABC' are two references on every database, and ids are never folded. */
const MYSQL_TABLE = ' default character set utf8mb4 collate utf8mb4_bin engine = InnoDB';

/**
 * A migration whose SQL MySQL, MariaDB and SQLite all take: plain CREATE, ALTER and DROP INDEX … ON …, with what only
 * one of them knows added or left out. Forward only: a change that went wrong is put right by the next migration.
 */
export abstract class PortableMigration extends Migration {
  protected abstract readonly statements: readonly string[];

  override up(): void {
    const isMysql = this.driver.getPlatform().constructor.name.startsWith('My');
    for (const statement of this.statements) {
      this.addSql(isMysql ? forMysql(statement) : statement.replace(/^(drop index \w+) on \w+$/, '$1'));
    }
  }
}

function forMysql(statement: string): string {
  return statement.startsWith('create table') ? statement + MYSQL_TABLE : statement;
}
