import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BackupError, ENDING_SIGNALS } from './programs.js';

const OURS = /^billing-(?:backup|login)-/;
/** Nothing of ours takes so long: what is older is of a run that was killed, and has a dump in it. */
const LEFT_BEHIND_MS = 86_400_000;
const RM_TRIES = 5;
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

/**
 * A directory that only we can read, for as long as `work` needs it. Removes what runs that were killed left behind.
 * Throws BackupError where there is no room, and when the process is told to end meanwhile: then the directory goes at
 * once, and what is left of the work fails for want of it.
 */
export async function inDirectory<T>(work: (directory: string) => Promise<T>, name = 'billing-backup-'): Promise<T> {
  await clearLeftBehind();
  const told = toldToEnd();
  const directory = await mkdtemp(path.join(tmpdir(), name));
  try {
    return await Promise.race([work(directory), told.toEnd]);
  } catch (error) {
    throw NO_ROOM.has(codeOf(error)) || hasNoRoom(error) ? new BackupError(noRoom(error), { cause: error }) : error;
  } finally {
    told.forget();
    // A program that is just ending may still write there.
    await rm(directory, { recursive: true, force: true, maxRetries: RM_TRIES });
  }
}

/** Fails when the process is told to end; until it is forgotten the process does not end by itself for that. */
function toldToEnd(): { readonly toEnd: Promise<never>; readonly forget: () => void } {
  const { promise: toEnd, reject } = Promise.withResolvers<never>();
  toEnd.catch(() => undefined);
  const fail = (signal: NodeJS.Signals) => reject(new BackupError(`Interrupted by ${signal}; working files were removed.`));
  for (const signal of ENDING_SIGNALS) process.on(signal, fail);
  const forget = () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, fail);
  };
  return { toEnd, forget };
}

async function clearLeftBehind(): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((one) => OURS.test(one))) {
    const directory = path.join(tmpdir(), name);
    const found = await stat(directory).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > LEFT_BEHIND_MS) await rm(directory, { recursive: true, force: true });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Programs say it in words. */
function hasNoRoom(error: unknown): boolean {
  return error instanceof BackupError && /no space left on device|disk quota exceeded/i.test(error.message);
}

function noRoom(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return `There is no room: a run needs that of two dumps and the logs in ${tmpdir()} (TMPDIR), and the repository its own. ${words}`;
}
