import type { EntityManager } from '@mikro-orm/core';
import type { Database, Unit } from '../db/database.js';
import type { DatabaseTime } from '../db/database-time.js';
import { PreparedTransaction } from '../db/mysql.pool.js';
import type { RawRow, Table } from '../db/table.js';
import type { PendingEvent } from '../outbox/outbox.js';

const OUTSIDE = 'Writing needs a transaction: use scope.transaction(async (scope) => …).';

/** How a scope reads and writes: inside its open transaction, or by single statements. For repositories. */
export class UnitOfWork {
  private readonly reactions: (() => void)[] = [];
  private readonly events: PendingEvent[] = [];

  constructor(
    private readonly database: Database,
    private readonly unit?: Unit,
  ) {}

  /** Whether a transaction is open. */
  get isOpen(): boolean {
    return this.unit !== undefined;
  }

  /** One SELECT. */
  query(sql: string, parameters: readonly unknown[]): Promise<RawRow[]> {
    return this.database.query(sql, parameters, this.unit);
  }

  /** One statement that writes; returns how many rows it touched. */
  run(sql: string, parameters: readonly unknown[]): Promise<number> {
    return this.database.run(sql, parameters, this.unit);
  }

  /** How rows of an entity are read. */
  table<Row extends object>(entity: new () => Row): Table<Row> {
    return this.database.table(entity);
  }

  /** What manages the rows of the open transaction. Throws outside one. */
  entityManager(): EntityManager {
    if (this.unit === undefined || this.unit instanceof PreparedTransaction) throw new Error(OUTSIDE);
    return this.unit;
  }

  /** Writes the managed rows now, where a later statement of the same transaction depends on them. */
  async flush(): Promise<void> {
    await this.entityManager().flush();
  }

  /** Calls `react` once the open transaction is committed; never if it is rolled back. */
  afterCommit(react: () => void): void {
    if (this.unit === undefined) throw new Error(OUTSIDE);
    this.reactions.push(react);
  }

  /** The transaction is committed: calls what waits for that. */
  committed(): void {
    for (const react of this.reactions) react();
  }

  /** For the outbox: the events of the open transaction that are not written yet. Throws outside one. */
  pendingEvents(): PendingEvent[] {
    this.entityManager();
    return this.events;
  }

  /** The time that all processes share, for what is compared between them. */
  get time(): DatabaseTime {
    return this.database.time;
  }

  /** Whether SQL of the embedded database is spoken here (no row locks: there is one writer at a time). */
  get isEmbedded(): boolean {
    return this.database.isEmbedded;
  }
}
