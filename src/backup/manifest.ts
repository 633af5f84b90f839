import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from './programs.js';

const TABLE = z.object({ rows: z.number().int().nonnegative(), sha256: z.string() });
const POSITION = z.object({ file: z.string(), offset: z.number().int().positive() });

const MANIFEST = z.object({
  /** In 1 the times are of the machine that took it; since 2 they are the database's. */
  format: z.union([z.literal(1), z.literal(2)]),
  /** `full` holds a dump; `logs` only the binary logs since the full backup before it. */
  kind: z.enum(['full', 'logs']),
  engine: z.enum(['mysql', 'embedded']),
  /** Where the server is, `host:port`: binary logs are those of one server, and a cluster has several. */
  host: z.string().optional(),
  /** The server and its version, or SQLite's. */
  server: z.string(),
  database: z.string(),
  /** Nothing committed before this moment is missing. */
  takenAt: z.iso.datetime(),
  /** Nothing committed after this moment is in the dump. */
  snapshotAt: z.iso.datetime(),
  /** The newest migration in the dump. */
  schemaVersion: z.string(),
  tables: z.record(z.string(), TABLE),
  /** Where the binary log stood at the moment of the dump; null without binary logs. */
  position: POSITION.nullable(),
  /** SHA-256 of the binary log up to that position: the logs that continue this backup begin so. */
  head: z.string().optional(),
  /** The binary log files that lie beside the dump, oldest first. */
  logs: z.array(z.string()),
  /** The bytes of each. */
  logBytes: z.record(z.string(), z.number()).optional(),
});

/** What a backup holds, written inside the snapshot it describes. */
export type Manifest = z.infer<typeof MANIFEST>;

/** How many rows a table has, and the hash of all of them in the order of the primary key. */
export type Tables = Manifest['tables'];

/** A place in the binary log of a server. */
export type LogPosition = z.infer<typeof POSITION>;

/** The text of a manifest as it is kept. */
export function writeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The manifest of a text; throws BackupError for anything else. */
export function readManifest(text: string): Manifest {
  try {
    return MANIFEST.parse(JSON.parse(text));
  } catch (error) {
    throw new BackupError('The manifest of this backup cannot be read.', { cause: error });
  }
}

/** Names a manifest by its content. */
export function digestOf(manifest: Manifest): string {
  return createHash('sha256').update(writeManifest(manifest)).digest('hex');
}

/** Throws BackupError unless `found` is row for row what the manifest says. */
export function assertSame(manifest: Manifest, found: Tables): void {
  const names = [...new Set([...Object.keys(manifest.tables), ...Object.keys(found)])].toSorted();
  const wrong = names.flatMap((name) => {
    const [expected, actual] = [manifest.tables[name], found[name]];
    if (expected?.sha256 === actual?.sha256 && expected?.rows === actual?.rows) return [];
    return [`${name} (${expected?.rows ?? 'no'} rows in the manifest, ${actual?.rows ?? 'none'} found)`];
  });
  if (wrong.length > 0) throw new BackupError(`The data differs from its manifest in ${wrong.join(', ')}.`);
}
