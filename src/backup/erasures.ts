import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { Restic } from './restic.js';
import { ERASED, FULL, LOGS } from './retention.js';
import { inDirectory } from './work-directory.js';

/** Somebody who was deleted, by ids alone: that is all that is remembered of them. */
export interface ErasedCustomer {
  readonly appId: string;
  readonly customerId: string;
  readonly tilledCustomerId: string | null;
}

/** Every customer who was deleted, as columns of text. */
export const ALL_ERASED =
  "select app_id, id, coalesce(tilled_customer_id, '') as tilled_id from billing_customers where deleted_at is not null order by app_id, id";
/** Those of the last weeks, whom a sweep still looks for: cheap enough for every few minutes. */
export const LATELY_ERASED = `select c.app_id, c.id, coalesce(c.tilled_customer_id, '') as tilled_id from billing_cursors k
  join billing_customers c on c.app_id = k.app_id and c.id = substr(k.id, 9)
  where k.id like 'erasure.%' and c.deleted_at is not null order by c.app_id, c.id`;

const FILE = 'erasures';

/** Keeps one erasure at once, away from the database. Throws BackupError. */
export async function keepErasure(environment: ProgramEnvironment, erased: ErasedCustomer, at: Date): Promise<void> {
  await inDirectory(async (directory) => {
    await writeErasures(directory, [erased]);
    await new Restic(environment).keep(directory, [ERASED], at);
  });
}

/** Writes them beside what a snapshot will hold. */
export async function writeErasures(directory: string, erased: readonly ErasedCustomer[]): Promise<void> {
  const lines = erased.map(({ appId, customerId, tilledCustomerId }) => `${appId}\t${customerId}\t${tilledCustomerId ?? ''}\n`);
  await writeFile(path.join(directory, FILE), lines.join(''), { mode: 0o600 });
}

/**
 * Everybody whose erasure the repository remembers, whatever moment is restored: of the newest full backup, of the
 * newest logs, and of erasures that were kept at once.
 */
export async function erasuresIn(restic: Restic): Promise<ErasedCustomer[]> {
  const newest = [(await restic.snapshots(FULL)).at(-1), (await restic.snapshots(LOGS)).at(-1)].filter((one) => one !== undefined);
  const found = new Map<string, ErasedCustomer>();
  for (const { id } of [...newest, ...(await restic.snapshots(ERASED))])
    for (const one of erasuresOf(await readErasures(restic, id))) found.set(`${one.appId} ${one.customerId}`, one);
  return [...found.values()];
}

/** Rows of ALL_ERASED or LATELY_ERASED as they come from a program, or out of a file. */
function erasuresOf(text: string): ErasedCustomer[] {
  const rows = text.split('\n').filter((line) => line !== '');
  return rows.map((line) => {
    const [appId = '', customerId = '', tilledCustomerId = ''] = line.split('\t');
    return { appId, customerId, tilledCustomerId: tilledCustomerId === '' ? null : tilledCustomerId };
  });
}

/** Backups of before there was such a file have none. */
async function readErasures(restic: Restic, id: string): Promise<string> {
  try {
    return await restic.read(id, FILE);
  } catch (error) {
    if (error instanceof BackupError && / not found in snapshot/.test(error.message)) return '';
    throw error;
  }
}
