import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseConfig } from '../config.js';
import { inDirectory, MANIFEST, NO_LOGS } from './backup.service.js';
import { LOG_DIRECTORY } from './binlog.js';
import { assertSame, digestOf, type Manifest, readManifest } from './manifest.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { Restic, type Snapshot } from './restic.js';
import { FULL, isVerified, LOGS } from './retention.js';
import { DUMP, type Store } from './store.js';
import { type Opened, withStore } from './stores.js';

/** Which moment is wanted; without either, the newest there is. */
export interface Wanted {
  /** Everything committed before this second, and nothing after. */
  readonly at: Date | null;
  /** Begins with this backup instead of the newest before `at`. */
  readonly snapshotId: string | null;
}

/** What a database was filled with. */
export interface Restored {
  readonly snapshotId: string;
  readonly manifest: Manifest;
  readonly digest: string;
  /** Everything committed before this moment is there. */
  readonly reachedAt: Date;
  /** Log files that were replayed on top of the dump. */
  readonly logFiles: number;
}

/** A backup in the repository, with what it says of itself. */
interface Kept {
  readonly snapshot: Snapshot;
  readonly manifest: Manifest;
}

/** Fills an empty database from the repository, and checks row for row that it is what was backed up. */
export class RestoreService {
  private readonly restic: Restic;

  constructor(private readonly environment: ProgramEnvironment) {
    this.restic = new Restic(environment);
  }

  /**
   * Restores into `target`. Throws BackupError for a target that holds tables, unless it `mayReplace` them; for a
   * backup that does not hold what its manifest says; and where the logs do not reach as far as asked for.
   */
  async restore(target: DatabaseConfig, wanted: Wanted, mayReplace: 'nothing' | 'billing tables'): Promise<Restored> {
    return withStore(target, this.environment, async (opened) => {
      await assertReplaceable(opened.store, mayReplace);
      const base = await this.base(wanted);
      if (DUMP[base.manifest.engine] !== DUMP[opened.store.engine])
        throw new BackupError(`The backup is of a ${base.manifest.engine} database and the target is ${opened.store.engine}.`);
      return inDirectory((directory) => this.fill(opened, base, { wanted, directory }));
    });
  }

  private async fill(opened: Opened, base: Kept, how: { readonly wanted: Wanted; readonly directory: string }): Promise<Restored> {
    const { snapshot, manifest } = base;
    // Before anything is removed: a moment that cannot be reached must not cost what is there.
    const chain = await this.chain(base, how.wanted);
    const dump = path.join(how.directory, 'dump');
    await this.restic.restore(snapshot.id, dump, DUMP[manifest.engine]);
    await opened.store.clear();
    await opened.store.load(dump);
    assertSame(manifest, await opened.store.contents());
    const files = await this.replay(opened, base, { ...how, chain });
    const last = chain.at(-1)?.manifest ?? manifest;
    const reachedAt = how.wanted.at ?? new Date(last.takenAt);
    return { snapshotId: snapshot.id, manifest, digest: digestOf(manifest), reachedAt, logFiles: files };
  }

  /** The backup to begin with. */
  private async base(wanted: Wanted): Promise<Kept> {
    const full = await this.restic.snapshots(FULL);
    const named = wanted.snapshotId === null ? full.filter(isVerified) : full.filter(({ id }) => id.startsWith(wanted.snapshotId ?? ''));
    const early = named.filter(({ time }) => wanted.at === null || time <= wanted.at);
    for (const snapshot of early.toReversed()) {
      const manifest = readManifest(await this.restic.read(snapshot.id, MANIFEST));
      if (wanted.at === null || new Date(manifest.snapshotAt) <= wanted.at) return { snapshot, manifest };
    }
    const what = wanted.snapshotId === null ? 'verified backup' : `backup ${wanted.snapshotId}`;
    throw new BackupError(`The repository holds no ${what}${wanted.at === null ? '' : ` from before ${wanted.at.toISOString()}`}.`);
  }

  /**
   * The snapshots whose logs continue the base: each full backup after it holds the logs since the one before, and the
   * last is the first that reaches the moment, or the newest.
   */
  private async chain(base: Kept, wanted: Wanted): Promise<Kept[]> {
    if (base.manifest.position === null) {
      if (wanted.at !== null)
        throw new BackupError(base.manifest.engine === 'embedded' ? 'The embedded database keeps no binary logs.' : NO_LOGS);
      return [];
    }
    const later = [...(await this.restic.snapshots(FULL)), ...(await this.restic.snapshots(LOGS))]
      .filter(({ time }) => time >= base.snapshot.time)
      .toSorted((one, other) => one.time.getTime() - other.time.getTime());
    const chain: Kept[] = [];
    let newest: Kept | null = null;
    for (const snapshot of later) {
      // Logs of the time between two full backups are in the later one too.
      const isNeeded = snapshot.tags.includes(FULL) || snapshot === later.at(-1) || (wanted.at !== null && snapshot.time >= wanted.at);
      if (!isNeeded) continue;
      newest = { snapshot, manifest: readManifest(await this.restic.read(snapshot.id, MANIFEST)) };
      chain.push(newest);
      if (wanted.at !== null && new Date(newest.manifest.takenAt) >= wanted.at) return chain;
    }
    if (wanted.at !== null)
      throw new BackupError(
        `The binary logs that were kept reach to ${newest?.manifest.takenAt ?? 'no moment'} only: run \`billing backup --logs\` if the server still lives.`,
      );
    return chain;
  }

  private async replay(
    { logs }: Opened,
    { manifest }: Kept,
    how: { readonly wanted: Wanted; readonly directory: string; readonly chain: readonly Kept[] },
  ): Promise<number> {
    if (manifest.position === null || how.chain.length === 0) return 0;
    const together = path.join(how.directory, 'logs');
    await mkdir(together);
    for (const [index, { snapshot }] of how.chain.entries()) {
      const own = path.join(how.directory, `logs-${index}`);
      await this.restic.restore(snapshot.id, own, LOG_DIRECTORY);
      // A file that grew meanwhile is in the later snapshot whole.
      for (const file of await readdir(path.join(own, LOG_DIRECTORY)))
        await rename(path.join(own, LOG_DIRECTORY, file), path.join(together, file));
    }
    await logs?.replay(together, { source: manifest.database, from: manifest.position, until: how.wanted.at });
    return (await readdir(together)).length;
  }
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
