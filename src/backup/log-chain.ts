import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST } from './backup.service.js';
import { LOG_DIRECTORY } from './binlog.js';
import { comparePlaces, headOf, placeOf } from './log-places.js';
import { type Manifest, readManifest } from './manifest.js';
import { BackupError } from './programs.js';
import type { Restic, Snapshot } from './restic.js';
import { FULL, LOGS } from './retention.js';

/** A backup in the repository, with what it says of itself. */
export interface Kept {
  readonly snapshot: Snapshot;
  readonly manifest: Manifest;
}

/**
 * The snapshots whose logs continue a full backup, by the logs themselves: full backups one after another, each with
 * the logs since the one before, then the logs alone that reach furthest. Not further than a full backup that was
 * taken after `at`, by the database's time. Throws BackupError where newer backups are of other logs.
 */
export async function logChain(restic: Restic, base: Kept, at: Date | null): Promise<Kept[]> {
  const opened = async (snapshot: Snapshot): Promise<Kept> =>
    snapshot.id === base.snapshot.id ? base : { snapshot, manifest: readManifest(await restic.read(snapshot.id, MANIFEST)) };
  const full = await restic.snapshots(FULL);
  const chain = [base];
  const heads = new Set([placeOf(base.snapshot).head]);
  for (const snapshot of full.slice(full.findIndex(({ id }) => id === base.snapshot.id) + 1)) {
    const next = await opened(snapshot);
    const { head, after } = placeOf(snapshot);
    if (next.manifest.format === 2 && !heads.has(after)) {
      // What is wanted came before it: the logs that were kept of the first server may reach there.
      if (at !== null && new Date(next.manifest.snapshotAt) > at) break;
      throw new BackupError(brokenChain(base, next));
    }
    heads.add(head);
    chain.push(next);
    if (at !== null && next.manifest.format === 2 && new Date(next.manifest.takenAt) >= at) return chain;
  }
  const last = furthest(await restic.snapshots(LOGS), heads, chain);
  return last === null ? chain : [...chain, await opened(last)];
}

/** Of snapshots of logs alone the one that reaches furthest. */
function furthest(logs: readonly Snapshot[], heads: ReadonlySet<string | null>, chain: readonly Kept[]): Snapshot | null {
  const continuing = logs
    .map((snapshot) => ({ snapshot, ...placeOf(snapshot) }))
    .filter(({ to, after }) => to !== null && heads.has(after));
  const [first] = continuing.toSorted((one, other) => (one.to && other.to ? comparePlaces(other.to, one.to) : 0));
  // Of before there were such tags: the newest, if it came after every full backup.
  const newest = logs.at(-1);
  const isOfBefore = newest !== undefined && chain.every(({ snapshot }) => snapshot.time < newest.time) && placeOf(newest).to === null;
  return first?.snapshot ?? (isOfBefore ? newest : null);
}

function brokenChain(base: Kept, next: Kept): string {
  const [from, to] = [base, next].map(({ snapshot, manifest }) => `${snapshot.id.slice(0, 8)} (${manifest.takenAt})`);
  return `Backup ${to} is of other binary logs than backup ${from}: of another server, or of one whose logs were removed or begun anew. Between them nothing can be replayed: give --at with a moment before ${next.manifest.takenAt} that the logs of the first reach, or --snapshot ${next.snapshot.id.slice(0, 8)}.`;
}

/**
 * Brings the log files of a chain together in an empty directory, each as far as it was kept. Throws BackupError
 * where one is missing, cut off, or of another log than its name says.
 */
export async function gatherLogs(restic: Restic, chain: readonly Kept[], together: string): Promise<void> {
  await mkdir(together);
  for (const { snapshot, manifest } of chain) {
    const own = `${together}-${snapshot.id.slice(0, 16)}`;
    await restic.restore(snapshot.id, own, LOG_DIRECTORY);
    const directory = path.join(own, LOG_DIRECTORY);
    const found = await readdir(directory).catch(() => []);
    for (const [name, bytes] of Object.entries(manifest.logBytes ?? {})) await assertLength(path.join(directory, name), bytes, snapshot);
    for (const name of found) await join(path.join(directory, name), path.join(together, name), snapshot);
    await rm(own, { recursive: true, force: true });
  }
}

/** Throws BackupError unless a log begins as the backup says that it does. */
export async function assertContinues({ snapshot, manifest }: Kept, together: string): Promise<void> {
  const { position, head } = manifest;
  if (position === null || head === undefined) return;
  const found = await headOf(path.join(together, position.file), position.offset).catch(() => null);
  if (found !== head)
    throw new BackupError(
      `The log ${position.file} is not the one that backup ${snapshot.id.slice(0, 8)} stands in: it is of another server.`,
    );
}

async function assertLength(file: string, bytes: number, { id }: Snapshot): Promise<void> {
  const found = await stat(file).then(
    ({ size }) => size,
    () => null,
  );
  if (found !== bytes)
    throw new BackupError(
      `The log ${path.basename(file)} of snapshot ${id.slice(0, 8)} ${found === null ? 'is missing' : `has ${found} bytes instead of ${bytes}`}.`,
    );
}

/** Keeps the longer of two copies of a log, of which the shorter must be the beginning. */
async function join(from: string, to: string, { id }: Snapshot): Promise<void> {
  const known = await stat(to).catch(() => null);
  if (known === null) return rename(from, to);
  const { size } = await stat(from);
  const common = Math.min(size, known.size);
  if ((await headOf(from, common)) !== (await headOf(to, common)))
    throw new BackupError(`The log ${path.basename(from)} of snapshot ${id.slice(0, 8)} is another server's, though it has the same name.`);
  if (size > known.size) await rename(from, to);
}
