import path from 'node:path';
import type { DatabaseConfig } from '../config.js';
import { MANIFEST, NO_LOGS } from './backup.service.js';
import type { BinaryLogs, LogPart } from './binlog.js';
import { type ErasedCustomer, erasuresIn } from './erasures.js';
import { assertContinues, gatherLogs, type Kept, logChain } from './log-chain.js';
import type { LogSurvey } from './log-survey.js';
import { assertSame, digestOf, type LogPosition, type Manifest, readManifest } from './manifest.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { Restic } from './restic.js';
import { FULL, isVerified } from './retention.js';
import { DUMP, type Store } from './store.js';
import { type Opened, withStore } from './stores.js';
import { inDirectory } from './work-directory.js';

/** Which moment is wanted; without either, the newest there is. */
export interface Wanted {
  /** Everything committed before this second, and nothing after, by the time of the server that was backed up. */
  readonly at: Date | null;
  /** Begins with this backup instead of the newest before `at`. */
  readonly snapshotId: string | null;
}

/** What a database was filled with. */
export interface Restored {
  readonly snapshotId: string;
  readonly manifest: Manifest;
  readonly digest: string;
  /** Everything committed before this moment is there. Never after now. */
  readonly reachedAt: Date;
  /** Where the last transaction that was replayed ends in the logs; null where none was. */
  readonly position: LogPosition | null;
  /** Log files that were replayed on top of the dump. */
  readonly logFiles: number;
  /** Everybody who was deleted up to the last backup, logs or erasure, whatever moment was restored. */
  readonly erased: readonly ErasedCustomer[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** Two servers that were meant to have one time are never so far apart. */
const APART_MS_MAX = 5_000;

/** What is to be replayed, and how far that reaches. */
interface Replay {
  readonly logs: BinaryLogs;
  readonly part: LogPart;
  readonly survey: LogSurvey;
}

/** Fills an empty database from the repository, and proves by reading it that it is what was backed up and logged. */
export class RestoreService {
  private readonly restic: Restic;

  constructor(private readonly environment: ProgramEnvironment) {
    this.restic = new Restic(environment);
  }

  /**
   * Restores into `target`. Throws BackupError for a target that holds tables, unless it `mayReplace` them; for a
   * moment that has not come by the target's time; for a backup that does not hold what its manifest says; where the
   * logs do not reach as far as asked for, are not of one server, or lack a part; and if the rows that are found in
   * the end are not those that backup and logs tell of.
   */
  async restore(target: DatabaseConfig, wanted: Wanted, mayReplace: 'nothing' | 'billing tables'): Promise<Restored> {
    return withStore(target, this.environment, async (opened) => {
      const now = await opened.store.caughtUpAt();
      if (wanted.at !== null && wanted.at.getTime() > now.getTime() + APART_MS_MAX)
        throw new BackupError(
          `--at ${wanted.at.toISOString()} has not come: it is ${now.toISOString()} on the server of the target. Nothing was restored.`,
        );
      await assertReplaceable(opened.store, mayReplace);
      const notes = skewNotes(Date.now() - now.getTime());
      const base = await this.base(wanted, { now, notes });
      if (DUMP[base.manifest.engine] !== DUMP[opened.store.engine])
        throw new BackupError(`The backup is of a ${base.manifest.engine} database and the target is ${opened.store.engine}.`);
      return inDirectory((directory) => this.fill(opened, base, { wanted, directory, now, notes }));
    });
  }

  private async fill(
    opened: Opened,
    base: Kept,
    how: { readonly wanted: Wanted; readonly directory: string; readonly now: Date; readonly notes: string[] },
  ): Promise<Restored> {
    const { snapshot, manifest } = base;
    // Before anything is removed: a moment that cannot be reached must not cost what is there.
    const chain = await this.chain(base, how.wanted);
    const erased = await erasuresIn(this.restic);
    const replay = await this.replay(opened, chain, how);
    const claimed = claimedReach(chain);
    if (replay !== null) assertReaches(replay.survey, how.wanted.at, claimed);
    const dump = path.join(how.directory, 'dump');
    await this.restic.restore(snapshot.id, dump, DUMP[manifest.engine]);
    await opened.store.clear();
    await opened.store.load(dump);
    assertSame(manifest, await opened.store.contents());
    const end = replay?.survey.end ?? null;
    const logFiles = replay === null || end === null ? 0 : await replay.logs.replay(replay.part, end);
    await replay?.logs.assertDone(replay.survey, manifest.tables);
    const reachedAt = how.wanted.at ?? reached(claimed, replay?.survey ?? null, how);
    how.notes.push(...orderNotes(replay?.survey ?? null));
    const what = { snapshotId: snapshot.id, manifest, digest: digestOf(manifest), reachedAt, position: end, logFiles, erased };
    return { ...what, notes: how.notes };
  }

  /** The backup to begin with. */
  private async base(wanted: Wanted, { now, notes }: { readonly now: Date; readonly notes: string[] }): Promise<Kept> {
    const full = await this.restic.snapshots(FULL);
    const named = wanted.snapshotId === null ? full.filter(isVerified) : full.filter(({ id }) => id.startsWith(wanted.snapshotId ?? ''));
    for (const snapshot of named.toReversed()) {
      const manifest = readManifest(await this.restic.read(snapshot.id, MANIFEST));
      const isAhead = new Date(manifest.takenAt).getTime() > now.getTime() + APART_MS_MAX;
      if (isAhead) notes.push(`Backup ${snapshot.id.slice(0, 8)} says that it is of ${manifest.takenAt}, which has not come.`);
      // Before there was the database's time in them, the machine's decided which came last.
      if (isAhead && manifest.format === 1 && wanted.snapshotId === null) continue;
      if (wanted.at === null || new Date(manifest.snapshotAt) <= wanted.at) return { snapshot, manifest };
    }
    const what = wanted.snapshotId === null ? 'verified backup' : `backup ${wanted.snapshotId}`;
    throw new BackupError(
      [`The repository holds no ${what}${wanted.at === null ? '' : ` from before ${wanted.at.toISOString()}`}.`, ...notes].join(' '),
    );
  }

  private async chain(base: Kept, { at }: Wanted): Promise<Kept[]> {
    if (base.manifest.position !== null) return logChain(this.restic, base, at);
    if (at !== null) throw new BackupError(base.manifest.engine === 'embedded' ? 'The embedded database keeps no binary logs.' : NO_LOGS);
    return [base];
  }

  /** Brings the logs together and reads them through; null where there are none. */
  private async replay(
    { logs }: Opened,
    chain: readonly Kept[],
    { wanted, directory }: { readonly wanted: Wanted; readonly directory: string },
  ): Promise<Replay | null> {
    const [base] = chain;
    if (logs === null || base === undefined || base.manifest.position === null) return null;
    const part: LogPart = { directory: path.join(directory, 'logs'), source: base.manifest.database, from: base.manifest.position };
    await gatherLogs(this.restic, chain, part.directory);
    await assertContinues(base, part.directory);
    return { logs, part, survey: await logs.survey(part, wanted.at) };
  }
}

/** Nothing is reckoned by the clock of this machine, but what Tilled tells is not looked at where it is far off. */
function skewNotes(aheadMs: number): string[] {
  if (Math.abs(aheadMs) <= APART_MS_MAX) return [];
  const seconds = Math.trunc(Math.abs(aheadMs) / 1000);
  return [`The clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the target's server: set it right.`];
}

/** What is after the moment in the logs and dated before it cannot be had without what it came after. */
function orderNotes(survey: LogSurvey | null): string[] {
  const { transactions, ms } = survey?.datedBefore ?? { transactions: 0, ms: 0 };
  if (transactions === 0) return [];
  return [
    `${transactions} transactions that are dated up to ${ms / 1000} s before --at were left out: in the logs they come after one that is dated later. Clocks of nodes differ; to have them give a later --at.`,
  ];
}

/** Up to when backups say that nothing is missing, by the time of their database; null where that is not known. */
function claimedReach(chain: readonly Kept[]): Date | null {
  const times = chain.filter(({ manifest }) => manifest.format === 2).map(({ manifest }) => new Date(manifest.takenAt).getTime());
  return times.length === 0 ? null : new Date(Math.max(...times));
}

/** Throws BackupError unless the logs go on to that moment: by what they hold, or by when they were copied. */
function assertReaches(survey: LogSurvey, at: Date | null, claimed: Date | null): void {
  if (at === null || survey.isPast || (claimed !== null && claimed >= at)) return;
  const { end, endedAt } = survey;
  const reach = [claimed, endedAt].filter((time) => time !== null).toSorted((one, other) => other.getTime() - one.getTime())[0];
  const place = end === null ? '' : ` (${end.file} ${end.offset})`;
  throw new BackupError(
    `The binary logs that were kept reach to ${reach?.toISOString() ?? 'no moment'}${place} only: run \`billing backup --logs\` if the server still lives.`,
  );
}

/** As of when the newest state is. A claim that has not come is put right by what the logs hold. */
function reached(claimed: Date | null, survey: LogSurvey | null, { now, notes }: { readonly now: Date; readonly notes: string[] }): Date {
  const seen = survey?.endedAt ?? null;
  const said = claimed ?? seen;
  if (said !== null && said.getTime() <= now.getTime() + APART_MS_MAX) return said < now ? said : now;
  if (said !== null) notes.push(`The backups say that they reach to ${said.toISOString()}, which has not come: what the logs hold counts.`);
  return seen !== null && seen < now ? seen : now;
}

async function assertReplaceable(store: Store, mayReplace: 'nothing' | 'billing tables'): Promise<void> {
  const tables = await store.tables();
  const foreign = tables.filter((name) => !name.startsWith('billing_'));
  if (foreign.length > 0)
    throw new BackupError(`The target holds tables that are not billing's (${foreign.slice(0, 3).join(', ')}): nothing was changed.`);
  if (tables.length > 0 && mayReplace === 'nothing')
    throw new BackupError(
      `The target is not empty: it holds ${tables.length} tables. Name an empty database, or give --force to replace them.`,
    );
}
