import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.js';
import { MigrationStopped } from './migration-stopped.js';
import { isPassing } from './outage.js';

/**
 * The table of the lock. It has app_id and id as every table has, or a gateway of the release before would not start
 * beside it.
 */
export const LOCK_TABLE = 'billing_migration_lock';

const TABLE = `create table if not exists ${LOCK_TABLE} (
  app_id varchar(64) not null,
  id varchar(64) not null,
  holder varchar(255) not null,
  doing varchar(255) not null,
  held_since datetime(3) not null,
  held_until datetime(3) not null,
  primary key (app_id, id)
) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB`;

const ROW = "app_id = '' and id = 'migrate'";
/** After a holder died it is free in so many seconds. */
const LEASE_SECONDS = 15;
const RENEW_MS = 3_000;
const POLL_MS = 500;

/** Says before each step what is done now. Throws if somebody else has the lock by now. */
export type Keep = (doing: string) => Promise<void>;

/** Who may wait how long, and who hears of it. */
export interface Patience {
  readonly waitMs: number;
  readonly say: (line: string) => void;
}

/**
 * Lets one process at a time change the schema. It is a row with a lease, so it is the holder's whatever becomes of
 * either's connections, and a cluster of several servers agrees on it; `get_lock` would be one server's, and one
 * connection's.
 */
export class MigrationLock {
  private readonly holder = `${hostname()}, process ${process.pid} (${randomBytes(4).toString('hex')})`;
  private isLost = false;

  constructor(private readonly database: Database) {}

  /**
   * Waits until it is free, then does the work and gives it back. Throws MigrationStopped, which names the holder,
   * after `waitMs`.
   */
  async hold<T>(patience: Patience, work: (keep: Keep) => Promise<T>): Promise<T> {
    await this.makeTable();
    await this.take(patience);
    const renewing = setInterval(() => {
      // A renewal that fails is tried again; without any the lease ends.
      this.renew(null).catch(() => undefined);
    }, RENEW_MS);
    try {
      return await work((doing) => this.keep(doing));
    } finally {
      clearInterval(renewing);
      await this.giveBack();
    }
  }

  private async makeTable(): Promise<void> {
    const sql = 'select 1 as found from information_schema.tables where table_schema = database() and table_name = ?';
    if ((await this.database.query(sql, [LOCK_TABLE])).length === 0) await this.database.run(TABLE, []);
    await this.database.run(
      `insert ignore into ${LOCK_TABLE} (app_id, id, holder, doing, held_since, held_until) values ('', 'migrate', '', '', now(3), now(3))`,
      [],
    );
  }

  private async take({ waitMs, say }: Patience): Promise<void> {
    const until = performance.now() + waitMs;
    for (let told = ''; ; await sleep(POLL_MS)) {
      const found = await this.tryToTake().catch((error: unknown) => {
        if (!isPassing(error)) throw error;
        return null;
      });
      if (found === 'taken') return;
      if (performance.now() >= until) throw new MigrationStopped(tooLong(found ?? told, waitMs));
      if (found !== null && found !== told) say(`Waiting: ${found}.`);
      told = found ?? told;
    }
  }

  /** `taken`, or who has it. */
  private async tryToTake(): Promise<string> {
    const lease = `holder = ?, doing = 'begins', held_since = now(3), held_until = now(3) + interval ${LEASE_SECONDS} second`;
    const made = await this.database.run(`update ${LOCK_TABLE} set ${lease} where ${ROW} and (held_until <= now(3) or holder = ?)`, [
      this.holder,
      this.holder,
    ]);
    if (made === 1) return 'taken';
    const [row] = await this.database.query(
      `select holder, doing, timestampdiff(second, held_since, now(3)) as seconds from ${LOCK_TABLE} where ${ROW}`,
      [],
    );
    return `${row?.holder} has been migrating for ${Math.trunc(Number(row?.seconds) / 10) * 10} s, and is at: ${row?.doing}`;
  }

  private async keep(doing: string): Promise<void> {
    await this.renew(doing.slice(0, 250));
    if (this.isLost) throw new MigrationStopped('Another process took the migration over, because this one stood still. It goes on there.');
  }

  private async renew(doing: string | null): Promise<void> {
    const sql = `update ${LOCK_TABLE} set doing = coalesce(?, doing), held_until = now(3) + interval ${LEASE_SECONDS} second where ${ROW} and holder = ?`;
    if ((await this.database.run(sql, [doing, this.holder])) === 0) this.isLost = true;
  }

  private async giveBack(): Promise<void> {
    const sql = `update ${LOCK_TABLE} set held_until = now(3) where ${ROW} and holder = ?`;
    // What was done stays done: a lock that cannot be given back ends by itself.
    await this.database.run(sql, [this.holder]).catch(() => undefined);
  }
}

function tooLong(found: string, waitMs: number): string {
  const who = found === '' ? 'the database did not answer' : found;
  return `Waited ${Math.trunc(waitMs / 1_000)} s: ${who}. Wait for it with --wait SECONDS; if it is gone, the lock is free ${LEASE_SECONDS} s after it.`;
}
