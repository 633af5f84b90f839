import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { type Drill, DrillService } from '../backup/drill.service.js';
import { readBackupConfig } from '../config.backup.js';
import type { DatabaseConfig } from '../config.js';
import { recorded } from './backup-record.js';
import { catchUpOf } from './catch-up.js';
import { jsonOption, linesOf, type WithFoundation } from './kit.js';
import { toldCaughtUp } from './restore.command.js';

/** billing drill: whether the newest backup would bring us back, and how fast. */
export function drillCommand(withFoundation: WithFoundation): Command {
  return new Command('drill')
    .description(
      'Restores the newest backup into a scratch database, checks it, replays events since, and removes it. For a timer, weekly.',
    )
    .addOption(jsonOption())
    .action((options: { json?: true }) =>
      withFoundation(async ({ backups }, config) => {
        const { environment, database, drillDatabase } = readBackupConfig(process.env, config);
        const service = new DrillService(environment, catchUpOf(config));
        const drill = await recorded(backups, 'drill', async () => {
          const done = await service.run(drillDatabase ?? scratchBeside(database));
          return { ...done, snapshotId: done.restored.snapshotId, manifestDigest: done.restored.digest };
        });
        process.stdout.write(options.json ? `${JSON.stringify(shown(drill))}\n` : told(drill));
      }),
    );
}

/** A database that does not exist yet, where the real one is. */
function scratchBeside(database: DatabaseConfig): DatabaseConfig {
  const suffix = `_drill_${randomBytes(4).toString('hex')}`;
  if (database.kind === 'embedded') return { ...database, location: path.join(tmpdir(), `billing${suffix}.db`) };
  return { ...database, location: database.location + suffix };
}

function shown({ restored, caughtUp, rpoMs, rtoMs }: Drill) {
  const { snapshotId, digest, reachedAt, position, logFiles, notes } = restored;
  return {
    snapshotId,
    digest,
    reachedAt,
    position,
    logFiles,
    notes,
    events: caughtUp.events,
    notAsked: caughtUp.notAsked,
    erasedAgain: caughtUp.erasedAgain,
    left: caughtUp.left,
    invariants: caughtUp.invariants,
    rpoMs,
    rtoMs,
  };
}

function told({ restored, caughtUp, rpoMs, rtoMs }: Drill): string {
  const tables = Object.keys(restored.manifest.tables).length;
  return [
    `Snapshot ${restored.snapshotId.slice(0, 8)} was restored: all ${tables} tables have the rows and checksums of its manifest.\n`,
    linesOf(restored.notes),
    toldCaughtUp(caughtUp),
    `RPO ${seconds(rpoMs)} (what a disaster now would have cost before Tilled's events were replayed), RTO ${seconds(rtoMs)}.\n`,
  ].join('');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
