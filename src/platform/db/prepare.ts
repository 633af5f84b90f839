import { hostName } from '../../config.hosts.js';
import type { DatabaseTls } from '../../config.tls.js';
import { isLoopbackHost } from '../loopback.js';
import { addressOf } from './address.js';
import type { Database } from './database.js';
import type { SchemaMigrator } from './migrator.js';
import { schemaInWords } from './schema-words.js';
import { serverFaults } from './server.check.js';
import { tenancyFaults } from './tenancy.check.js';

/** EX_CONFIG of sysexits.h. */
const NEEDS_A_PERSON = 78;
/** EX_UNAVAILABLE of sysexits.h: what was run may be run again. */
export const MAY_COME_BACK = 69;

const FAULTS_SHOWN = 5;

/** The gateway cannot run on this database as it is; the message says why and what to do. */
export class DatabaseUnusable extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Makes sure that the database can be used: the embedded one is migrated, any other must have been, its server is set
 * as the code relies on, and what keeps apps apart is as the migrations made it. Returns a sentence for each setting
 * that works and may lose data. Throws DatabaseUnusable, which tells an unreachable server, a wrong database, an
 * un-migrated one, a server that is set up wrongly and a database that was tampered with apart.
 */
export async function prepareDatabase(database: Database, migrator: SchemaMigrator): Promise<readonly string[]> {
  if (database.isEmbedded) await migrator.migrate();
  else await requireMigrated(database, migrator);
  const warnings = await requireUsableServer(database);
  const faults = await tenancyFaults(database);
  if (faults.length === 0) return warnings;
  const shown = faults.slice(0, FAULTS_SHOWN).join('; ');
  const more = faults.length > FAULTS_SHOWN ? `; and ${faults.length - FAULTS_SHOWN} more` : '';
  throw new DatabaseUnusable(
    `The database "${nameOf(database)}" would not keep apps apart: ${shown}${more}. Undo what was changed beside the migrations.`,
    NEEDS_A_PERSON,
  );
}

/** Returns what is set badly and yet works. Throws DatabaseUnusable with a sentence for each setting that does not. */
export async function requireUsableServer(database: Database): Promise<readonly string[]> {
  const { refusals, warnings } = await serverFaults(database).catch((error: unknown) => {
    throw unreachable(database, error);
  });
  if (refusals.length === 0) return [...warnings, ...(database.isEmbedded ? [] : onTheWay(database.config))];
  throw new DatabaseUnusable(`The server at ${hostOf(database)} cannot be relied on: ${refusals.join(' ')}`, NEEDS_A_PERSON);
}

/** That a connection to a server is not protected, where nobody said how it is to be. */
export function onTheWay(config: Database['config']): string[] {
  if (config.tls !== null || isOnThisMachine(config)) return [];
  return [
    `The connection to ${hostOf({ config })} is plain text: say ssl-mode=VERIFY_IDENTITY and ssl-ca, or ssl-mode=DISABLED if that is meant.`,
  ];
}

async function requireMigrated(database: Database, migrator: SchemaMigrator): Promise<void> {
  const state = await migrator.inspect().catch((error: unknown) => {
    throw unreachable(database, error);
  });
  const name = nameOf(database);
  if (state.kind === 'foreign') {
    const some = state.tables.slice(0, 3).join(', ');
    throw new DatabaseUnusable(
      `DATABASE_URL_BILLING names the wrong database: "${name}" holds tables that are not billing's (${some}). Billing needs a database of its own.`,
      NEEDS_A_PERSON,
    );
  }
  if (state.kind !== 'ready') throw new DatabaseUnusable(`The database "${name}" ${schemaInWords(state)}`, NEEDS_A_PERSON);
}

/** A user lacks rights: on a database (1044), a table (1142), a column (1143), or over the server (1227). */
const DENIED = new Set([1044, 1142, 1143, 1227]);

const AS_MIGRATOR =
  'Run billing migrate with the user of ops/grants/billing_migrator.sql in DATABASE_URL_BILLING: a step may be begun, and no gateway ready until then.';

/** What is to be told of a migration that failed: whose rights are missing, or the error as it came. */
export function missingRights(database: Database, error: unknown): unknown {
  const { errno, message } = rootOf(error instanceof Object ? error : {}) as { errno?: number; message?: string };
  if (error instanceof DatabaseUnusable || errno === undefined || !DENIED.has(errno)) return error;
  return new DatabaseUnusable(`The server at ${hostOf(database)} says: ${message}. ${AS_MIGRATOR}`, NEEDS_A_PERSON, { cause: error });
}

/** Why the server did not answer, without its URL, which holds a password. */
export function unreachable(database: Database, error: unknown): DatabaseUnusable {
  const { code, errno, message } = rootOf(error) as { code?: string; errno?: number; message?: string };
  const sentence = refusalOf(database, { code, errno, message });
  const options = { cause: error };
  if (code === 'HOSTS_DISAGREE') return new DatabaseUnusable(message ?? '', NEEDS_A_PERSON, options);
  if (sentence !== null) return new DatabaseUnusable(`The server at ${hostOf(database)} ${sentence}`, NEEDS_A_PERSON, options);
  return new DatabaseUnusable(database.hosts?.whyNone() ?? awayInWords(database, error), MAY_COME_BACK, options);
}

function awayInWords(database: Database, error: unknown): string {
  const { code = 'no answer', errno = 0, message } = rootOf(error) as { code?: string; errno?: number; message?: string };
  const where = hostOf(database);
  // A number of the server's own: it is there, as a node of a cluster without the others is.
  if (errno > 0) return `The database server at ${where} does nothing now (${code}: ${message}).`;
  return `The database server at ${where} cannot be reached (${code}).`;
}

/** What only a person can put right, after "The server at …"; null where it may come back by itself. */
function refusalOf(database: Database, { code, errno, message = '' }: { code?: string; errno?: number; message?: string }): string | null {
  const { tls } = database.config;
  if (errno === 1049) return `has no database "${nameOf(database)}": create it, or correct DATABASE_URL_BILLING.`;
  if (errno === 1184) return 'gives our connections up: its init_connect fails. Correct that, or leave it empty.';
  if (errno === 3159 || (errno === 1045 && message.includes('transport'))) return `${PLAIN}: say ssl-mode=VERIFY_IDENTITY and ssl-ca.`;
  if (errno === 1044) return `has no database "${nameOf(database)}" for this user: create it, or give the rights of ops/grants.`;
  if (errno === 1045 || errno === 1698) return `refused the user or password of DATABASE_URL_BILLING${orElse(tls)}.`;
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return `offers no TLS, and ssl-mode=${tls?.mode} demands it: switch it on there.`;
  if (code === 'HANDSHAKE_SSL_ERROR') return `is not the one that ssl-ca and ssl-mode=${tls?.mode} want: ${message.slice(0, 200)}.`;
  return null;
}

const PLAIN = 'takes no plain text connections';

/** What a refused login may be besides a wrong password: servers do not tell these apart. */
function orElse(tls: DatabaseTls | null): string {
  if (tls === null || tls.mode === 'DISABLED') return ', or wants TLS: say ssl-mode=VERIFY_IDENTITY and ssl-ca';
  return tls.cert === null
    ? ', or wants a client certificate: say ssl-cert and ssl-key'
    : ', or the client certificate that ssl-cert names';
}

function rootOf(error: unknown): object {
  let found = error as { cause?: unknown; previous?: unknown };
  while (typeof (found.cause ?? found.previous) === 'object') found = (found.cause ?? found.previous) as typeof found;
  return found;
}

function nameOf(database: Database): string {
  if (database.isEmbedded) return database.config.location;
  return addressOf(database.config.location).database;
}

function hostOf({ config: { location, hosts } }: Pick<Database, 'config'>): string {
  return hosts === null ? new URL(location).host : hosts.addresses.map(hostName).join(', ');
}

/** Whether nobody else is on the way to the server, or to any of several. */
export function isOnThisMachine({ location, hosts }: Database['config']): boolean {
  const names = hosts === null ? [new URL(location).host] : hosts.addresses.map(hostName);
  return names.every(isLoopbackHost);
}
