import type { Restic, Snapshot } from './restic.js';

/** A full backup that was read back from the repository and found row for row as it was taken. */
export const VERIFIED = 'verified';
/** A full backup that was not read back yet, or that failed it. */
export const UNVERIFIED = 'unverified';
/** Any full backup. */
export const FULL = 'full';
/** Binary logs alone. */
export const LOGS = 'logs';
/** Erasures alone, kept at once by `billing customers erase`; a full backup after them has them too. */
export const ERASED = 'erased';

/** Everything of a week, for going back to a point in time; one a day for 30 days; one a month for 12 months. */
const POLICY = ['--keep-within', '7d', '--keep-daily', '30', '--keep-monthly', '12'];
const LOGS_KEPT = ['--keep-within', '7d'];
const WEEK_MS = 7 * 86_400_000;
/** Servers are never so far apart that were meant to have one time. */
const APART_MS_MAX = 60_000;

/** How many snapshots went, and why none did where some might have. */
export interface Pruned {
  readonly removed: number;
  readonly reason: string | null;
}

/**
 * Lets go what the policy no longer keeps. Only verified backups count towards the policy, the newest of them stays
 * whatever the policy says, and while the newest backup of all is not verified nothing goes: what is kept then may be
 * all there is. Nor does anything while a snapshot is dated after `now`, since ages are counted from it.
 */
export async function prune(restic: Restic, now: Date): Promise<Pruned> {
  const full = await restic.snapshots(FULL);
  const lastGood = full.findLast(isVerified);
  if (lastGood === undefined || full.at(-1)?.id !== lastGood.id) return { removed: 0, reason: null };
  const ahead = (await restic.snapshots()).find(({ time }) => time.getTime() > now.getTime() + APART_MS_MAX);
  if (ahead !== undefined) return { removed: 0, reason: datedAhead(ahead) };
  const old = await restic.beyond(POLICY, FULL, VERIFIED);
  const bad = full.filter((snapshot) => !isVerified(snapshot) && snapshot.time.getTime() < lastGood.time.getTime() - WEEK_MS);
  const logs = await restic.beyond(LOGS_KEPT, LOGS);
  const erased = (await restic.snapshots(ERASED)).filter(({ time }) => time.getTime() < lastGood.time.getTime() - WEEK_MS);
  const ids = [...old, ...bad, ...logs, ...erased].map(({ id }) => id).filter((id) => id !== lastGood.id);
  await restic.forget(ids);
  return { removed: ids.length, reason: null };
}

function datedAhead({ id, time }: Snapshot): string {
  return `Snapshot ${id.slice(0, 8)} is dated ${time.toISOString()}, which has not come. Until then later ones are dated after it and none is let go: remove it with \`restic forget ${id.slice(0, 8)}\` if nothing of it is wanted.`;
}

/** Whether a backup was read back and found good. */
export function isVerified(snapshot: Snapshot): boolean {
  return snapshot.tags.includes(VERIFIED);
}
