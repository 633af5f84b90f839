import type { DatabaseConfig } from '../config.js';
import { Database } from '../platform/db/database.js';
import { isOutage } from '../platform/db/outage.js';
import { Attestation } from './attestation.entity.js';

/**
 * Statements that only a user with too many rights gets past the check of rights with. Even then nothing happens: each
 * names a column twice, or what is not there.
 */
const FORBIDDEN_TO_THE_SERVICE: Readonly<Record<string, string>> = {
  'CREATE TABLE': 'create table billing_apps (id int, id int)',
  'DROP TABLE': 'drop table billing_preflight_nothing',
  'ALTER TABLE': 'alter table billing_preflight_nothing add column x int',
  'CREATE INDEX': 'create index billing_preflight_nothing on billing_preflight_nothing (x)',
  TRUNCATE: 'truncate table billing_preflight_nothing',
  'DROP DATABASE': 'drop database billing_preflight_nothing',
  'reading the accounts of the server': 'select 1 from mysql.user where 1 = 0',
};

/** Writes that touch no row, and so only show whether they are allowed. */
const WRITES: Readonly<Record<string, string>> = {
  INSERT: 'insert into billing_attestations select * from billing_attestations where 1 = 0',
  UPDATE: 'update billing_attestations set note = note where 1 = 0',
  DELETE: 'delete from billing_attestations where 1 = 0',
};

const READ = 'select count(*) as n from billing_apps';

/** What billing_readonly.sql lets reports read, and a table, which it does not: tables tell about persons. */
const REPORT = 'select count(*) as n from billing_analytics_apps';
const HIDDEN_FROM_REPORTS = { 'reading tables, and so e-mail addresses': 'select 1 from billing_customers where 1 = 0' };

/** MySQL's numbers for: no right on a table, a database, a column, or at all. */
const DENIED = new Set([1142, 1143, 1044, 1227, 1370]);
/** The same, and that there is no such view. */
const NOT_READABLE = new Set([...DENIED, 1146]);

/** What the user of the service may do beyond its work, or may not do of it. Throws where the database is away. */
export async function serviceFaults(database: Database): Promise<string[]> {
  const reads = await deniedAmong(database, { SELECT: READ, ...WRITES });
  const refused = await deniedAmong(database, FORBIDDEN_TO_THE_SERVICE);
  const allowed = Object.keys(FORBIDDEN_TO_THE_SERVICE).filter((name) => !refused.includes(name));
  return [
    ...reads.map((name) => `${name} is denied`),
    ...(allowed.length === 0 ? [] : [`allowed though the service needs none of it: ${allowed.join(', ')}`]),
  ];
}

/**
 * What the user of reports may do beyond reading the views of ops/grants, or that it cannot read them. Throws where it
 * cannot connect.
 */
export async function readonlyFaults(config: DatabaseConfig): Promise<string[]> {
  const database = await Database.open(config, [Attestation]);
  try {
    const canRead = await database.query(REPORT, []).then(
      () => true,
      (error: unknown) => rethrownUnless(NOT_READABLE, error),
    );
    const forbidden = { ...WRITES, ...FORBIDDEN_TO_THE_SERVICE, ...HIDDEN_FROM_REPORTS };
    const refused = await deniedAmong(database, forbidden);
    const allowed = Object.keys(forbidden).filter((name) => !refused.includes(name));
    return [
      ...(canRead ? [] : ['it cannot read billing_analytics_apps: apply views.sql and billing_readonly.sql of ops/grants']),
      ...(allowed.length === 0 ? [] : [`allowed to a user that should only read: ${allowed.join(', ')}`]),
    ];
  } finally {
    await database.close();
  }
}

async function deniedAmong(database: Database, statements: Readonly<Record<string, string>>): Promise<string[]> {
  const denied: string[] = [];
  for (const [name, sql] of Object.entries(statements)) if (await isDenied(database, sql)) denied.push(name);
  return denied;
}

async function isDenied(database: Database, sql: string): Promise<boolean> {
  try {
    await database.query(sql, []);
    return false;
  } catch (error) {
    // What nobody answered was neither allowed nor denied.
    if (isOutage(error)) throw error;
    return DENIED.has(errnoOf(error));
  }
}

/** False for an error with one of these numbers; throws any other again. */
function rethrownUnless(numbers: ReadonlySet<number>, error: unknown): false {
  if (numbers.has(errnoOf(error))) return false;
  throw error;
}

/** The database's own number of an error, however deep it lies; 0 where there is none. */
function errnoOf(error: unknown): number {
  for (let found: unknown = error; typeof found === 'object' && found !== null; ) {
    const { errno, cause, previous } = found as { errno?: unknown; cause?: unknown; previous?: unknown };
    if (typeof errno === 'number') return errno;
    found = cause ?? previous;
  }
  return 0;
}
