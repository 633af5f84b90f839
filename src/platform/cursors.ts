import { Entity } from '@mikro-orm/decorators/legacy';
import { Text, TimeColumn } from './db/columns.js';
import { inserting, onConflict } from './db/sql.js';
import { TenantRepository } from './tenancy/tenant.repository.js';
import { TenantRow } from './tenancy/tenant-row.js';

/** How far something was read that is read on from there; its id is its name. */
@Entity({ tableName: 'billing_cursors' })
export class Cursor extends TenantRow {
  @Text(64)
  position!: string;

  @TimeColumn()
  updatedAt!: Date;
}

/** Cursors of an app. */
export class CursorRepository extends TenantRepository<Cursor> {
  protected readonly entity = Cursor;
  protected readonly noun = 'cursor';

  /** The cursor, locked and managed; made where there is none, once however many make it. Inside a transaction. */
  async lockOrMake(name: string, position: string): Promise<Cursor> {
    const known = await this.lockBy({ id: name });
    if (known !== null) return known;
    const { db, appId } = this.scope;
    const unlessThere = onConflict(db.isEmbedded, 'app_id, id', 'updated_at = excluded.updated_at');
    const columns = 'app_id, id, position, updated_at';
    await db.run(`${inserting('billing_cursors', columns)} ${unlessThere}`, [appId, name, position, this.scope.now()]);
    return this.lock(name);
  }

  /** Moves the cursor, or makes it. Inside a transaction. */
  async moveTo(name: string, position: string): Promise<void> {
    const cursor = await this.lockBy({ id: name });
    if (cursor === null) this.add({ id: name, position, updatedAt: this.scope.now() });
    else Object.assign(cursor, { position, updatedAt: this.scope.now() });
  }

  /** Every cursor whose name begins so, by name. */
  async startingWith(start: string): Promise<Cursor[]> {
    const table = this.scope.db.table(Cursor);
    const sql = `select ${table.selectList} from ${table.name} where app_id = ? and id >= ? and id < ? order by id`;
    return (await this.scope.db.query(sql, [this.scope.appId, start, `${start}~`])).map((raw) => table.fromRaw(raw));
  }

  /** Forgets a cursor. Inside a transaction. */
  async drop(name: string): Promise<void> {
    const cursor = await this.lockBy({ id: name });
    if (cursor !== null) this.remove(cursor);
  }
}
