import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabaseConfig } from '../config.js';
import { LOG_DIRECTORY } from './binlog.js';
import { assertSame, digestOf, type Manifest, readManifest, writeManifest } from './manifest.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { Restic, type Snapshot } from './restic.js';
import { FULL, LOGS, prune, UNVERIFIED, VERIFIED } from './retention.js';
import { DUMP, type Store } from './store.js';
import { type Opened, withStore } from './stores.js';

/** The name of the manifest inside a snapshot. */
export const MANIFEST = 'manifest.json';

/** A backup that lies in the repository. */
export interface Backup {
  readonly snapshotId: string;
  readonly manifest: Manifest;
  readonly digest: string;
  readonly addedBytes: number;
  /** Snapshots that were let go after it. */
  readonly pruned: number;
}

/** What is missing for going back to a point in time. */
export const NO_LOGS =
  'The server keeps no binary logs (log_bin is off): only the moments of the backups can be restored. Set log_bin, binlog_format=ROW and binlog_expire_logs_seconds=604800.';

/** Takes backups: dumped, described, kept, read back, and only then trusted. */
export class BackupService {
  private readonly restic: Restic;

  constructor(
    private readonly database: DatabaseConfig,
    private readonly environment: ProgramEnvironment,
  ) {
    this.restic = new Restic(environment);
  }

  /** Makes the repository. */
  async init(): Promise<void> {
    await this.restic.init();
  }

  /** Takes a full backup, reads it back, and lets go what is too old. Throws BackupError; then nothing was let go. */
  async full(): Promise<Backup> {
    const previous = (await this.restic.snapshots(FULL)).at(-1);
    const taken = await withStore(this.database, this.environment, (opened) =>
      inDirectory(async (directory) => {
        const facts = await opened.store.dumpInto(directory);
        const since = (await this.positionOf(previous)) ?? facts.position?.file;
        const logs = await copiedLogs(opened, directory, since);
        return this.keep(directory, { format: 1, kind: 'full', ...facts, logs }, [FULL, UNVERIFIED]);
      }),
    );
    await withStore(this.database, this.environment, ({ store }) => this.assertReadable(taken, store));
    const { id } = await this.restic.retag(taken.snapshot, [FULL, VERIFIED]);
    return { ...taken, snapshotId: id, pruned: await prune(this.restic) };
  }

  /** Backs up the binary logs since the last full backup; cheap, for every few minutes. Throws BackupError. */
  async logs(): Promise<Backup> {
    const previous = (await this.restic.snapshots(FULL)).at(-1);
    if (previous === undefined) throw new BackupError('Binary logs continue a full backup, and there is none yet: run `billing backup`.');
    const last = readManifest(await this.restic.read(previous.id, MANIFEST));
    const taken = await withStore(this.database, this.environment, (opened) =>
      inDirectory(async (directory) => {
        if (!opened.keepsLogs || last.position === null) throw new BackupError(NO_LOGS);
        const takenAt = new Date().toISOString();
        const logs = await copiedLogs(opened, directory, last.position.file);
        const manifest: Manifest = { ...last, kind: 'logs', takenAt, snapshotAt: takenAt, tables: {}, logs };
        return this.keep(directory, manifest, [LOGS]);
      }),
    );
    return { ...taken, pruned: 0 };
  }

  private async keep(directory: string, manifest: Manifest, tags: readonly string[]) {
    await writeFile(path.join(directory, MANIFEST), writeManifest(manifest), { mode: 0o600 });
    const { snapshot, addedBytes } = await this.restic.keep(directory, tags, new Date(manifest.takenAt));
    return { snapshot, snapshotId: snapshot.id, manifest, digest: digestOf(manifest), addedBytes };
  }

  /** Reads a backup out of the repository again, all of it. */
  private async assertReadable(taken: { readonly snapshot: Snapshot; readonly manifest: Manifest; readonly digest: string }, store: Store) {
    await inDirectory(async (directory) => {
      const manifest = readManifest(await this.restic.read(taken.snapshot.id, MANIFEST));
      if (digestOf(manifest) !== taken.digest) throw new BackupError('The manifest came back from the repository changed.');
      await this.restic.restore(taken.snapshot.id, directory, DUMP[store.engine]);
      assertSame(manifest, await store.contentsOfDump(directory));
    });
  }

  private async positionOf(snapshot: Snapshot | undefined): Promise<string | undefined> {
    if (snapshot === undefined) return undefined;
    return readManifest(await this.restic.read(snapshot.id, MANIFEST)).position?.file;
  }
}

/** A directory that only we can read, for as long as `work` needs it. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'billing-backup-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copiedLogs({ logs, keepsLogs }: Opened, directory: string, since: string | undefined): Promise<string[]> {
  if (logs === null || !keepsLogs || since === undefined) return [];
  await mkdir(path.join(directory, LOG_DIRECTORY));
  return logs.copyInto(path.join(directory, LOG_DIRECTORY), since);
}
