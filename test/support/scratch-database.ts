import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';

/** A statement reaches every node within moments, ms. */
const THERE_MS_MAX = 10_000;

declare global {
  /** Which database the running jest project tests; set in jest.config.mjs, undefined in the project `pure`. */
  var TEST_DATABASE: 'embedded' | 'mysql' | undefined;
  /** Whether the server is a cluster, over whose nodes connections are spread. */
  var TEST_ON_CLUSTER: boolean | undefined;
}

/** An empty database for one test file: no tables, nobody else in it. */
export interface ScratchDatabase {
  /** What DATABASE_URL_BILLING would be: `mysql://…/bg_test_…`, or `sqlite:` and the path of a file that does not exist yet. */
  url: string;
  /** Removes it with all it holds. Close the connections to it first. */
  drop(): Promise<void>;
}

/** Makes an empty database on what the running jest project tests. Throws where there is none: outside test/run.mjs, or in `pure`. */
export function createScratchDatabase(): Promise<ScratchDatabase> {
  switch (globalThis.TEST_DATABASE) {
    case 'mysql':
      return createOnServer();
    case 'embedded':
      return createInTemporaryDirectory();
    default:
      throw new Error('Tests in this folder have no database: move the file to features, scenarios, abuse or contract (jest.config.mjs).');
  }
}

async function createOnServer(): Promise<ScratchDatabase> {
  const server = process.env[globalThis.TEST_ON_CLUSTER ? 'BILLING_TEST_GALERA_URL' : 'BILLING_TEST_MYSQL_URL']?.replace(/\/$/, '');
  if (!server) throw new Error('No database server was started: run the tests with `npm test`, not with jest itself.');
  const name = `${process.env['BILLING_TEST_DATABASE_PREFIX'] ?? 'bg_test_'}${randomBytes(6).toString('hex')}`;
  await runOn(server, `CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  if (globalThis.TEST_ON_CLUSTER) for (const node of nodes()) await isThere(`${node}${name}`);
  return { url: `${server}/${name}`, drop: () => runOn(server, `DROP DATABASE ${name}`) };
}

const nodes = (): string[] => (process.env['BILLING_TEST_GALERA_NODES'] ?? '').split(' ');

/** Resolves once a node lets us into a database that was made through another. */
async function isThere(url: string): Promise<void> {
  for (const until = Date.now() + THERE_MS_MAX; ; await sleep(20)) {
    try {
      return await runOn(url, 'DO 0');
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

async function runOn(server: string, statement: string): Promise<void> {
  const connection = await mysql.createConnection(server);
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}

async function createInTemporaryDirectory(): Promise<ScratchDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'bg_test_'));
  return { url: `sqlite:${join(directory, 'billing.db')}`, drop: () => rm(directory, { recursive: true, force: true }) };
}
