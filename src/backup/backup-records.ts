import type { Database } from '../platform/db/database.js';
import type { Ids } from '../platform/ids.js';
import { type BackupKind, BackupRun } from './backup-run.entity.js';

/** A run that is to be remembered: it ended just now. */
export interface NewBackupRun extends Omit<BackupRun, 'id' | 'startedAt' | 'finishedAt'> {
  /** How long it took, ms. */
  readonly tookMs: number;
}

/** The newest run of a kind, and the newest that went well; null where there was none. */
export interface LatestRuns {
  readonly last: BackupRun | null;
  readonly lastGood: BackupRun | null;
}

/** What is remembered of backups and drills: of the deployment, not of an app. */
export class BackupRecords {
  constructor(
    private readonly database: Database,
    private readonly ids: Ids,
  ) {}

  /** Remembers a run, by the database's time: machines that take backups may be wrong about it. */
  async add({ kind, tookMs, succeeded, snapshotId, manifestDigest, rpoMs, rtoMs, reason }: NewBackupRun): Promise<void> {
    const { time } = this.database;
    const columns = 'id, kind, started_at, finished_at, succeeded, snapshot_id, manifest_digest, rpo_ms, rto_ms, reason';
    const values = [succeeded, snapshotId, manifestDigest, rpoMs, rtoMs, reason?.slice(0, 1000) ?? null];
    await this.database.run(`insert into billing_backups (${columns}) values (?, ?, ${time.in('?')}, ${time.now}, ?, ?, ?, ?, ?, ?)`, [
      this.ids.make('bkp'),
      kind,
      -Math.trunc(tookMs),
      ...values,
    ]);
  }

  /** The newest runs of a kind. One that claims to have ended after now tells nothing, and is passed over. */
  async latest(kind: BackupKind): Promise<LatestRuns> {
    return { last: await this.newest('kind = ?', [kind]), lastGood: await this.newest('kind = ? and succeeded = ?', [kind, true]) };
  }

  private async newest(condition: string, parameters: readonly unknown[]): Promise<BackupRun | null> {
    const table = this.database.table(BackupRun);
    const sql = `select ${table.selectList} from billing_backups where ${condition} and finished_at <= ${this.database.time.now}
      order by finished_at desc, id desc limit 1`;
    const [row] = await this.database.query(sql, parameters);
    return row === undefined ? null : table.fromRaw(row);
  }
}
