import { Command } from 'commander';
import { type Backup, BackupService, type Listed } from '../backup/backup.service.js';
import { readBackupConfig } from '../config.backup.js';
import { recorded } from './backup-record.js';
import { jsonOption, linesOf, type WithFoundation } from './kit.js';

interface BackupOptions {
  readonly init?: true;
  readonly logs?: true;
  readonly list?: true;
  readonly json?: true;
}

/** billing backup: keeps what is in the database, encrypted and away from it. */
export function backupCommand(withFoundation: WithFoundation): Command {
  return new Command('backup')
    .description('Takes a full backup, reads it back, and lets go what is too old. For a timer, every 6 hours.')
    .option('--init', 'make the repository of RESTIC_REPOSITORY first, once')
    .option('--logs', 'keep only the binary logs since the last backup; for a timer, every few minutes')
    .option('--list', 'only list what is in the repository')
    .addOption(jsonOption())
    .action((options: BackupOptions) =>
      withFoundation(
        async ({ backups }, config) => {
          const { database, environment } = readBackupConfig(process.env, config);
          const service = new BackupService(database, environment);
          if (options.list) return list(service, options);
          if (options.init) await service.init();
          const backup = await recorded(backups, options.logs ? 'logs' : 'full', async () => {
            const made = options.logs ? await service.logs() : await service.full();
            return { made, snapshotId: made.snapshotId, manifestDigest: made.digest, rpoMs: null, rtoMs: null };
          });
          process.stdout.write(options.json ? `${JSON.stringify(shown(backup.made))}\n` : told(backup.made));
        },
        // A backup is taken before a migration too.
        { isUnprepared: true },
      ),
    );
}

async function list(service: BackupService, { json }: BackupOptions): Promise<void> {
  const found = await service.list();
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : linesOf(found.map(listed)));
}

function listed({ snapshotId, time, kind, isVerified, reaches }: Listed): string {
  const checked = kind === 'full' ? [isVerified ? 'verified' : 'not verified: never restored by itself'] : [];
  const logs = reaches === null ? [] : [`logs to ${reaches.file} ${reaches.offset}`];
  return `${snapshotId.slice(0, 8)}  ${time.toISOString()}  ${[kind, ...checked, ...logs].join(', ')}`;
}

function shown({ snapshotId, manifest, digest, addedBytes, pruned, notes }: Backup) {
  const { kind, host, takenAt, schemaVersion, tables, position, logs } = manifest;
  const what = { snapshotId, kind, host, takenAt, schemaVersion, digest, rows: rowsOf(tables), tables, position, logs };
  return { ...what, addedBytes, pruned, notes };
}

function told({ snapshotId, manifest, addedBytes, pruned, notes }: Backup): string {
  const { kind, host, takenAt, tables, logs } = manifest;
  const what =
    kind === 'logs'
      ? `${logs.length} binary logs`
      : `${rowsOf(tables)} rows of ${Object.keys(tables).length} tables, read back and verified`;
  const more = pruned === 0 ? '' : `Let go ${pruned} snapshots that were too old.\n`;
  const where = host === undefined ? '' : ` of ${host}`;
  return `Snapshot ${snapshotId.slice(0, 8)}${where}, ${takenAt}: ${what}; ${addedBytes} bytes added.\n${more}${linesOf(notes)}`;
}

function rowsOf(tables: Backup['manifest']['tables']): number {
  return Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
}
