import type { Restic, Snapshot } from './restic.js';

/** A full backup that was read back from the repository and found row for row as it was taken. */
export const VERIFIED = 'verified';
/** A full backup that was not read back yet, or that failed it. */
export const UNVERIFIED = 'unverified';
/** Any full backup. */
export const FULL = 'full';
/** Binary logs alone. */
export const LOGS = 'logs';

/** Everything of a week, for going back to a point in time; one a day for 30 days; one a month for 12 months. */
const POLICY = ['--keep-within', '7d', '--keep-daily', '30', '--keep-monthly', '12'];
const LOGS_KEPT = ['--keep-within', '7d'];
const WEEK_MS = 7 * 86_400_000;

/**
 * Lets go what the policy no longer keeps; returns how many snapshots went. Only verified backups count towards the
 * policy, the newest of them stays whatever the policy says, and while the newest backup of all is not verified nothing
 * goes: what is kept then may be all there is.
 */
export async function prune(restic: Restic): Promise<number> {
  const full = await restic.snapshots(FULL);
  const lastGood = full.findLast(isVerified);
  if (lastGood === undefined || full.at(-1)?.id !== lastGood.id) return 0;
  const old = await restic.beyond(POLICY, FULL, VERIFIED);
  const bad = full.filter((snapshot) => !isVerified(snapshot) && snapshot.time.getTime() < lastGood.time.getTime() - WEEK_MS);
  const logs = await restic.beyond(LOGS_KEPT, LOGS);
  const ids = [...old, ...bad, ...logs].map(({ id }) => id).filter((id) => id !== lastGood.id);
  await restic.forget(ids);
  return ids.length;
}

/** Whether a backup was read back and found good. */
export function isVerified(snapshot: Snapshot): boolean {
  return snapshot.tags.includes(VERIFIED);
}
