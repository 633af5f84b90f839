import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from '../platform/db/database.js';
import { attestedOnly, type Check, type Finding, failed, notApplicable, ok, verdict } from './check.js';
import type { PreflightParts } from './parts.js';

const HOUR_MS = 3_600_000;
const BACKUP_HOURS_MAX = 6;
const DRILL_DAYS_MAX = 30;
/** A timer's start and the backup itself take their time. */
const GRACE_MS = 600_000;

/** Phase 1, infrastructure: backups and secrets. */
export const BACKUP_CHECKS: readonly Check[] = [
  {
    id: 'backups.recent',
    phase: 1,
    isAttestable: false,
    todo: 'Set RESTIC_REPOSITORY and RESTIC_PASSWORD_FILE, and have a timer run every 6 hours: billing backup.',
    look: (parts) => younger(parts, 'full', BACKUP_HOURS_MAX * HOUR_MS + GRACE_MS, 'backup'),
  },
  {
    id: 'backups.restored',
    phase: 1,
    isAttestable: false,
    todo: 'Show that the newest backup brings billing back: billing drill (weekly, by a timer).',
    look: (parts) => younger(parts, 'drill', DRILL_DAYS_MAX * 24 * HOUR_MS, 'restore drill'),
  },
  {
    id: 'backups.point-in-time',
    phase: 1,
    isAttestable: true,
    todo: 'Switch binary logs on (log_bin, kept 7 days) and have a timer run every few minutes: billing backup --logs.',
    look: pointInTime,
  },
  {
    id: 'backups.before-customers',
    phase: 1,
    isAttestable: true,
    todo: 'Take a backup before the first customer: billing backup. If customers came first, attest how their data was kept.',
    look: beforeCustomers,
  },
  {
    id: 'secrets.encryption',
    phase: 1,
    isAttestable: false,
    todo: 'Set BILLING_ENCRYPTION_KEY to what openssl rand -base64 32 prints, then seal what is there: billing secrets rotate.',
    look: async ({ settings }) =>
      verdict(settings.hasEncryptionKey, 'Secrets in the database are sealed.', 'BILLING_ENCRYPTION_KEY is not set.'),
  },
  {
    id: 'secrets.files',
    phase: 1,
    isAttestable: false,
    todo: 'Take secrets out of files in the working directory and the data directory, or chmod 600 them; production needs no demo.env.',
    look: secretFiles,
  },
  attestedOnly(1, 'secrets.managed', "Keep Tilled's production keys in a secret manager, apart from the sandbox's, and attest where."),
];

/** How long ago a backup of a kind last went well, by the database's time, ms; null if none did. */
async function ageOfNewest(database: Database, kind: string): Promise<number | null> {
  const { time } = database;
  // One that claims to have ended after now tells nothing.
  const sql = `select finished_at, ${time.now} as read_at from billing_backups where kind = ? and succeeded = ? and finished_at <= ${time.now}
    order by finished_at desc limit 1`;
  const [row] = await database.query(sql, [kind, true]);
  return row === undefined ? null : time.read(row.read_at).getTime() - time.read(row.finished_at).getTime();
}

async function younger({ database }: PreflightParts, kind: string, maxMs: number, what: string): Promise<Finding> {
  const ageMs = await ageOfNewest(database, kind);
  if (ageMs === null) return failed(`No ${what} ever went well.`);
  const minutes = Math.trunc(ageMs / 60_000);
  return verdict(
    minutes * 60_000 <= maxMs,
    `The last good ${what} ended ${minutes} min ago.`,
    `The last good ${what} ended ${minutes} min ago.`,
  );
}

async function pointInTime({ database }: PreflightParts): Promise<Finding> {
  if (database.isEmbedded) return notApplicable('The embedded database has no binary logs.');
  const [row] = await database.query('select @@log_bin as is_on', []);
  const [cluster] = await database.query("show global variables like 'wsrep_on'", []);
  // Of a cluster another node may be the one whose logs are kept.
  if (Number(row?.is_on) !== 1 && cluster?.Value !== 'ON') return failed('The server writes no binary logs.');
  const ages = [await ageOfNewest(database, 'logs'), await ageOfNewest(database, 'full')].filter((age) => age !== null);
  if (ages.length === 0) return failed('Binary logs are on, and were never kept.');
  const minutes = Math.trunc(Math.min(...ages) / 60_000);
  return verdict(minutes <= 60, `Binary logs were kept up to ${minutes} min ago.`, 'Binary logs were not kept within the last hour.');
}

async function beforeCustomers({ database }: PreflightParts): Promise<Finding> {
  const [first] = await database.query('select min(created_at) as at from billing_customers', []);
  const [backup] = await database.query("select min(finished_at) as at from billing_backups where kind = 'full' and succeeded = ?", [true]);
  if (backup?.at === null || backup?.at === undefined) return failed('There is no backup yet.');
  if (first?.at === null || first?.at === undefined) return ok('There is a backup, and no customer yet.');
  return verdict(
    database.time.read(backup.at) <= database.time.read(first.at),
    'The first backup is older than the first customer.',
    'The first customer came before the first backup.',
  );
}

const OTHERS_MAY_READ = 0o077;

async function secretFiles({ config, settings }: PreflightParts): Promise<Finding> {
  const named = async (directory: string) =>
    (await readdir(directory).catch(() => []))
      .filter((name) => /^\.env(\..+)?$|^demo\.env$/.test(name) && !name.endsWith('.example'))
      .map((name) => path.join(directory, name));
  const files = [...(await named(settings.workingDir)), ...(await named(config.dataDir))];
  const open: string[] = [];
  for (const file of files) if (((await stat(file)).mode & OTHERS_MAY_READ) !== 0) open.push(path.basename(file));
  if (open.length > 0) return failed(`Others may read ${open.join(', ')}.`);
  if (config.isProduction && files.some((file) => file.endsWith('demo.env')))
    return failed('demo.env is in the data directory of production.');
  const warnings = [...new Set([...config.warnings, ...settings.warnings])];
  if (warnings.length > 0) return failed(`${warnings.join('. ')}.`);
  return ok(files.length === 0 ? 'No file with secrets lies beside the process.' : 'Files with secrets are readable by their owner only.');
}
