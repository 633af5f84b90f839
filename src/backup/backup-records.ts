import type { Database } from '../platform/db/database.js';
import { inserting } from '../platform/db/sql.js';
import type { Ids } from '../platform/ids.js';
import { type BackupKind, BackupRun } from './backup-run.entity.js';

/** A run that is to be remembered. */
export type NewBackupRun = Omit<BackupRun, 'id'>;

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

  /** Remembers a run. */
  async add(run: NewBackupRun): Promise<void> {
    const { kind, startedAt, finishedAt, succeeded, snapshotId, manifestDigest, rpoMs, rtoMs, reason } = run;
    const values = [kind, startedAt, finishedAt, succeeded, snapshotId, manifestDigest, rpoMs, rtoMs, reason?.slice(0, 1000) ?? null];
    await this.database.run(
      inserting('billing_backups', 'id, kind, started_at, finished_at, succeeded, snapshot_id, manifest_digest, rpo_ms, rto_ms, reason'),
      [this.ids.make('bkp'), ...values],
    );
  }

  /** The newest runs of a kind. */
  async latest(kind: BackupKind): Promise<LatestRuns> {
    return { last: await this.newest('kind = ?', [kind]), lastGood: await this.newest('kind = ? and succeeded = ?', [kind, true]) };
  }

  private async newest(condition: string, parameters: readonly unknown[]): Promise<BackupRun | null> {
    const table = this.database.table(BackupRun);
    const sql = `select ${table.selectList} from billing_backups where ${condition} order by finished_at desc, id desc limit 1`;
    const [row] = await this.database.query(sql, parameters);
    return row === undefined ? null : table.fromRaw(row);
  }
}
