import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseConfig } from '../config.js';
import { serverName } from '../platform/db/address.js';
import { endOf, LOG_DIRECTORY, type LogFiles } from './binlog.js';
import { writeErasures } from './erasures.js';
import { headOf, placeOf, placeTags } from './log-places.js';
import { assertSame, digestOf, type LogPosition, type Manifest, readManifest, writeManifest } from './manifest.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { Restic, type Snapshot } from './restic.js';
import { ERASED, FULL, isVerified, LOGS, prune, UNVERIFIED, VERIFIED } from './retention.js';
import { type Chosen, eachServer, firstServing, whyNot } from './servers.js';
import { DUMP, type DumpFacts, type Store } from './store.js';
import { type Opened, withStore } from './stores.js';
import { inDirectory } from './work-directory.js';

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
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** A snapshot as it is listed. */
export interface Listed {
  readonly snapshotId: string;
  /** When it was taken, by the database; later where others were dated after that. */
  readonly time: Date;
  readonly kind: typeof FULL | typeof LOGS | typeof ERASED;
  /** Of full ones: whether it was read back. One that was not is never chosen by itself. */
  readonly isVerified: boolean;
  /** How far its logs reach; null without logs. */
  readonly reaches: LogPosition | null;
}

/** A full backup in the repository, read back or not. */
interface Full {
  readonly snapshot: Snapshot;
  readonly manifest: Manifest;
}

const KINDS: readonly string[] = [FULL, LOGS, ERASED];

/** What is missing for going back to a point in time. */
export const NO_LOGS =
  'The server keeps no binary logs (log_bin is off): only the moments of the backups can be restored. Set log_bin, binlog_format=ROW and binlog_expire_logs_seconds=604800.';

const NO_ROWS =
  'The binary logs hold statements (binlog_format is not ROW): what they bring back cannot be proved, so a restore ends with status 1. Set binlog_format=ROW.';

const NOT_DURABLE =
  'sync_binlog or innodb_flush_log_at_trx_commit is not 1: after a power cut the binary logs may lack what was committed, and nothing tells. Set both to 1; until then take a full backup after every power cut.';

/** Logs that were copied, and the full backup that they continue. */
interface CopiedLogs {
  readonly files: LogFiles;
  /** The head of that backup; null where there is none, or this server's logs do not continue it. */
  readonly after: string | null;
}

const NO_COPIES: CopiedLogs = { files: {}, after: null };

/** Takes backups: dumped, described, kept, read back, and only then trusted. All times are the database's. */
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
    const previous = await this.newestFull();
    const { server, passedOver } = await this.serverAfter(previous);
    const { notes, ...taken } = await withStore(server, this.environment, (opened) =>
      inDirectory(async (directory) => {
        const facts = await opened.store.dumpInto(directory);
        await writeErasures(directory, await opened.store.erased('all'));
        const { files, after } = await logsOfFull(opened, directory, { facts, previous: previous?.manifest });
        const head = await headAt(directory, facts.position);
        const logs = { logs: Object.keys(files), logBytes: files };
        const manifest: Manifest = { format: 2, kind: 'full', ...facts, ...(head !== null && { head }), ...logs };
        const tags = [FULL, UNVERIFIED, ...placeTags({ head, after, to: endOf(files) })];
        return { ...(await this.keep(directory, manifest, tags)), notes: [...passedOver, ...notesOn(opened, facts)] };
      }),
    );
    await withStore(server, this.environment, ({ store }) => this.assertReadable(taken, store));
    const { id } = await this.restic.retag(taken.snapshot, VERIFIED, UNVERIFIED);
    const now = await withStore(server, this.environment, ({ store }) => store.now());
    const { removed, reason } = await prune(this.restic, now);
    return { ...taken, snapshotId: id, pruned: removed, notes: reason === null ? notes : [...notes, reason] };
  }

  /**
   * Backs up the binary logs since the last full backup; cheap, for every few minutes. Throws BackupError, also where
   * the server's logs do not continue that backup: then only another full one helps.
   */
  async logs(): Promise<Backup> {
    const previous = await this.newestFull();
    if (previous === null) throw new BackupError('Binary logs continue a full backup, and there is none yet: run `billing backup`.');
    const last = previous.manifest;
    return withStore(await this.serverOf(previous), this.environment, (opened) =>
      inDirectory(async (directory) => {
        if (!opened.keepsLogs || last.position === null) throw new BackupError(NO_LOGS);
        const takenAt = (await opened.store.caughtUpAt()).toISOString();
        const { files, after } = await logsSince(opened, directory, last);
        if (after === null && last.head !== undefined) throw new BackupError(otherLogs(opened.where, previous));
        await writeErasures(directory, await opened.store.erased('lately'));
        const about = { host: opened.where, takenAt, snapshotAt: takenAt, tables: {}, logs: Object.keys(files), logBytes: files };
        const tags = [LOGS, ...placeTags({ head: null, after, to: endOf(files) })];
        const kept = await this.keep(directory, { ...last, format: 2, kind: 'logs', ...about }, tags);
        return { ...kept, pruned: 0, notes: notesOnLogs(opened) };
      }),
    );
  }

  /** What is in the repository, oldest first; what an interrupted run left there too. */
  async list(): Promise<Listed[]> {
    return (await this.restic.snapshots()).map((snapshot) => ({
      snapshotId: snapshot.id,
      time: snapshot.time,
      kind: snapshot.tags.find((tag): tag is Listed['kind'] => KINDS.includes(tag)) ?? FULL,
      isVerified: isVerified(snapshot),
      reaches: placeOf(snapshot).to,
    }));
  }

  private async newestFull(): Promise<Full | null> {
    const snapshot = (await this.restic.snapshots(FULL)).at(-1);
    return snapshot === undefined ? null : { snapshot, manifest: readManifest(await this.restic.read(snapshot.id, MANIFEST)) };
  }

  /** Of several servers that of the backup before, whose logs go on; then from the last, which gateways use last. */
  private serverAfter(previous: Full | null): Promise<Chosen> {
    const servers = eachServer(this.database).toReversed();
    if (servers.length === 1) return firstServing(servers, this.environment);
    const isSame = (server: DatabaseConfig) => serverName(server.location) === previous?.manifest.host;
    return firstServing([...servers.filter(isSame), ...servers.filter((server) => !isSame(server))], this.environment);
  }

  /** Of several servers the one whose logs continue a backup. Throws BackupError where it cannot be used. */
  private async serverOf({ snapshot, manifest }: Full): Promise<DatabaseConfig> {
    const servers = eachServer(this.database);
    if (servers.length === 1) return this.database;
    const own = servers.find((server) => serverName(server.location) === manifest.host);
    const why = own === undefined ? 'it is not among those of the database' : await whyNot(own, this.environment);
    if (own !== undefined && why === '') return own;
    throw new BackupError(
      `Only the binary logs of ${manifest.host ?? 'another server'} continue backup ${snapshot.id.slice(0, 8)}, and ${why}. Nothing was kept. Take a full backup, which takes another server: \`billing backup\`. Or wait for that one.`,
    );
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
}

/**
 * The logs since the backup before, or where the server has none that continue it, those that this one begins with.
 */
async function logsOfFull(
  opened: Opened,
  directory: string,
  { facts, previous }: { readonly facts: DumpFacts; readonly previous: Manifest | undefined },
): Promise<CopiedLogs> {
  if (facts.position === null) return NO_COPIES;
  const continued = previous === undefined ? NO_COPIES : await logsSince(opened, directory, previous);
  // One of before there were heads does not say; whether its logs go on is seen when they are read.
  if (continued.after !== null || (previous !== undefined && previous.head === undefined && endOf(continued.files) !== null))
    return continued;
  await rm(path.join(directory, LOG_DIRECTORY), { recursive: true, force: true });
  return { ...(await logsSince(opened, directory, { position: facts.position })), after: null };
}

/** Copies the logs that continue a backup; `after` is null if they do not, or it does not say how to tell. */
async function logsSince({ logs, keepsLogs }: Opened, directory: string, last: Pick<Manifest, 'position' | 'head'>): Promise<CopiedLogs> {
  if (logs === null || !keepsLogs || last.position === null) return NO_COPIES;
  await mkdir(path.join(directory, LOG_DIRECTORY));
  const files = await logs.copyInto(path.join(directory, LOG_DIRECTORY), last.position.file);
  if (files === null) return NO_COPIES;
  const head = await headAt(directory, last.position);
  return { files, after: last.head !== undefined && head === last.head ? last.head : null };
}

/** The hash of a log up to a place; null without one. */
async function headAt(directory: string, position: LogPosition | null): Promise<string | null> {
  return position === null ? null : headOf(path.join(directory, LOG_DIRECTORY, position.file), position.offset);
}

function otherLogs(where: string, { snapshot, manifest }: Full): string {
  const { host, position } = manifest;
  const place = `${position?.file} ${position?.offset}${host === undefined ? '' : ` of ${host}`}`;
  return `The binary logs of ${where} do not continue backup ${snapshot.id.slice(0, 8)}, which stands at ${place}: it is another server, or its logs were removed or begun anew. Nothing was kept. Take a full backup of it, which these logs continue from then on: \`billing backup\`. Or name the server of that backup in BILLING_BACKUP_DATABASE_URL.`;
}

function notesOn(opened: Opened, { position }: DumpFacts): string[] {
  if (opened.store.engine === 'embedded') return [];
  return position === null ? [NO_LOGS] : notesOnLogs(opened);
}

function notesOnLogs({ logsRows, isDurable }: Opened): string[] {
  return [...(logsRows ? [] : [NO_ROWS]), ...(isDurable ? [] : [NOT_DURABLE])];
}
