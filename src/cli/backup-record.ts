import type { BackupRecords, NewBackupRun } from '../backup/backup-records.js';
import type { BackupKind } from '../backup/backup-run.entity.js';
import { systemTicks } from '../platform/clock.js';

/** What a run that went well leaves behind in the records. */
type Facts = Pick<NewBackupRun, 'snapshotId' | 'manifestDigest' | 'rpoMs' | 'rtoMs'>;

/** Does a backup or a drill and remembers how it ended. Throws what `work` throws, after remembering it. */
export async function recorded<T extends Facts>(records: BackupRecords, kind: BackupKind, work: () => Promise<T>): Promise<T> {
  const startedAtMs = systemTicks.ms();
  const remember = (facts: Facts & Pick<NewBackupRun, 'succeeded' | 'reason'>) =>
    records.add({ kind, tookMs: systemTicks.ms() - startedAtMs, ...facts }).catch((error: unknown) => {
      // The backup was taken all the same: before a migration there may be no table to write to.
      process.stderr.write(`This run could not be recorded: ${error instanceof Error ? error.message : String(error)}\n`);
    });
  try {
    const result = await work();
    const { snapshotId, manifestDigest, rpoMs, rtoMs } = result;
    await remember({ snapshotId, manifestDigest, rpoMs, rtoMs, succeeded: true, reason: null });
    return result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await remember({ snapshotId: null, manifestDigest: null, rpoMs: null, rtoMs: null, succeeded: false, reason });
    throw error;
  }
}
