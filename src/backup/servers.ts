import type { DatabaseConfig } from '../config.js';
import { locationAt, serverName } from '../platform/db/address.js';
import { type HostAnswer, judged, STATUS_QUESTION, VARIABLES_QUESTION } from '../platform/db/host-probe.js';
import { MysqlClient } from './mysql.client.js';
import { BackupError, type ProgramEnvironment } from './programs.js';

/** What a server says of itself. */
export interface ServerAnswer extends Omit<HostAnswer, 'clock'> {
  /** Whether it is a node of a Galera cluster. */
  readonly isNode: boolean;
}

/** The server that was chosen among several, and why those before it were not, a sentence each. */
export interface Chosen {
  readonly server: DatabaseConfig;
  readonly passedOver: readonly string[];
}

/** Asks the server of a client. Throws BackupError where it does not answer. */
export async function answerOf(client: MysqlClient): Promise<ServerAnswer> {
  const valuesOf = async (sql: string) =>
    Object.fromEntries((await client.query(sql, null)).map(([name = '', value = '']) => [name.toLowerCase(), value]));
  const variables = await valuesOf(VARIABLES_QUESTION);
  const isNode = variables.wsrep_on === 'ON';
  return { isNode, ...judged(variables, isNode ? await valuesOf(STATUS_QUESTION) : {}) };
}

/** Each server that a database has, as a database with that one alone, in the order in which they were given. */
export function eachServer(config: DatabaseConfig): readonly DatabaseConfig[] {
  if (config.hosts === null) return [config];
  return config.hosts.addresses.map((address) => ({ ...config, location: locationAt(config.location, address), hosts: null }));
}

/**
 * The first of these that takes writes and has what the others have. One alone is not asked. Throws BackupError that
 * says of each why not, and where several take writes and are no cluster: one of them is not to be trusted.
 */
export async function firstServing(servers: readonly DatabaseConfig[], environment: ProgramEnvironment): Promise<Chosen> {
  const [only] = servers;
  if (only !== undefined && servers.length === 1) return { server: only, passedOver: [] };
  const asked = await Promise.all(servers.map((server) => ask(server, environment)));
  const good = asked.filter(({ why }) => why === '');
  const [first] = good;
  if (first === undefined) throw new BackupError(`No server of the database can be used. ${sentences(asked).join(' ')}`);
  if (new Set(good.map(({ data }) => data)).size > 1)
    throw new BackupError(
      `${good.map(({ where }) => where).join(' and ')} take writes and are no cluster: which has the books is not known. Name it alone.`,
    );
  return { server: first.server, passedOver: sentences(asked.slice(0, asked.indexOf(first))) };
}

/** Why a server cannot be used, in words; empty where it can. */
export async function whyNot(server: DatabaseConfig, environment: ProgramEnvironment): Promise<string> {
  return (await ask(server, environment)).why;
}

interface Asked {
  readonly server: DatabaseConfig;
  readonly where: string;
  /** Empty where it serves. */
  readonly why: string;
  readonly data: string;
}

async function ask(server: DatabaseConfig, environment: ProgramEnvironment): Promise<Asked> {
  return MysqlClient.within(server, environment, async (client) => ({ server, where: client.where, ...(await answerOf(client)) })).catch(
    (error: unknown) => {
      if (!(error instanceof BackupError)) throw error;
      return { server, where: serverName(server.location), why: error.message, data: '' };
    },
  );
}

function sentences(asked: readonly Asked[]): string[] {
  return asked.map(({ where, why }) => `${where}: ${why}.`);
}
