import { Command } from 'commander';
import { assertSound, type CaughtUp } from '../backup/drill.service.js';
import { BackupError } from '../backup/programs.js';
import { type Restored, RestoreService } from '../backup/restore.service.js';
import { readBackupConfig, readRestoreTarget } from '../config.backup.js';
import { readConfig } from '../config.js';
import { catchUpOf } from './catch-up.js';
import { jsonOption, linesOf } from './kit.js';

interface RestoreOptions {
  readonly to?: string;
  readonly at?: string;
  readonly snapshot?: string;
  readonly force?: true;
  readonly replay: boolean;
  readonly json?: true;
}

/** billing restore: fills an empty database from a backup. It never opens the database of this environment. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('Fills an empty database from the backups, checks it row for row, and replays what Tilled emitted since.')
    .option(
      '--to <url>',
      'the database to fill: mysql://…, or sqlite:FILE; it is made if it does not exist. With a password rather in BILLING_RESTORE_DATABASE_URL, or in the file that BILLING_RESTORE_DATABASE_URL_FILE names',
    )
    .option('--at <time>', 'the state before this second (ISO 8601), from the binary logs; the newest there is if absent')
    .option('--snapshot <id>', 'begin with this backup')
    .option('--force', 'replace what is in the target')
    .option(
      '--no-replay',
      'leave the data as it was backed up, but for erasures, which are done again: ask Tilled nothing, migrate nothing',
    )
    .addOption(jsonOption())
    .action(restore);
}

async function restore(options: RestoreOptions): Promise<void> {
  const config = readConfig(process.env, process.cwd());
  const { environment } = readBackupConfig(process.env, config);
  const target = readRestoreTarget(process.env, options.to);
  const wanted = { at: timeOf(options.at), snapshotId: options.snapshot ?? null };
  const restored = await new RestoreService(environment).restore(target, wanted, options.force ? 'billing tables' : 'nothing');
  const { erased } = restored;
  const isNeeded = options.replay || erased.length > 0;
  const caughtUp = isNeeded ? await catchUpOf(config)(target, { erased, replays: options.replay }) : null;
  const answer = {
    snapshotId: restored.snapshotId,
    digest: restored.digest,
    reachedAt: restored.reachedAt,
    position: restored.position,
    logFiles: restored.logFiles,
    notes: restored.notes,
    caughtUp,
  };
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : told(restored, caughtUp));
  if (caughtUp !== null) assertSound(caughtUp);
}

function timeOf(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const time = new Date(text);
  // Without a zone the same words would mean another moment on another machine.
  if (Number.isNaN(time.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(text))
    throw new BackupError('--at is not a moment with its zone: write it like 2026-03-01T12:00:05Z.');
  return time;
}

function told({ snapshotId, manifest, reachedAt, position, logFiles, notes }: Restored, caughtUp: CaughtUp | null): string {
  const tables = Object.keys(manifest.tables).length;
  const from = `Restored snapshot ${snapshotId.slice(0, 8)} of ${manifest.takenAt}; all ${tables} tables have the rows and checksums of its manifest.\n`;
  const logs =
    logFiles === 0
      ? ''
      : `Replayed ${logFiles} binary logs, to ${position?.file} ${position?.offset}: the data is as of ${reachedAt.toISOString()}, and the rows are those of the logs.\n`;
  return `${from}${logs}${linesOf(notes)}${caughtUp === null ? '' : toldCaughtUp(caughtUp)}`;
}

/** What catching up brought, for people. */
export function toldCaughtUp({ events, notAsked, erasedAgain, goneAtTilled, left, invariants, violations }: CaughtUp): string {
  const forgotten = erasedAgain === 0 ? '' : `Erased ${erasedAgain} customers again, who had been erased after what was restored.\n`;
  const gone = goneAtTilled.map(
    ({ appId, id }) => `Tilled has no customer ${id} of ${appId} any more: erased in the lost minutes? Ask the app.\n`,
  );
  const rest = left === 0 ? '' : ` ${left} objects are still to be looked at; the worker will.`;
  const books = violations.length === 0 ? `All ${invariants} invariants hold.` : `${violations.length} rows break an invariant.`;
  const asBackedUp = notAsked.map(({ appId, reason }) => `App ${appId} is as it was backed up: ${reason}\n`).join('');
  return `Recorded ${events} events that Tilled emitted since.${rest}\n${asBackedUp}${forgotten}${gone.join('')}${books}\n`;
}
