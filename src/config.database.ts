import path from 'node:path';
import { eachHost, type HostAddress, type HostList, hostName, readHosts, refuseHosts, SEVERAL_HOSTS } from './config.hosts.js';
import type { EnvironmentReader } from './config.reader.js';
import { type DatabaseTls, readTls } from './config.tls.js';

/** How the gateway reaches its database. */
export interface DatabaseConfig {
  /** `mysql` in production; `embedded` is a file beside the demo's other data. */
  readonly kind: 'mysql' | 'embedded';
  /** `mysql://…` with the first host and without query parameters, or the path of the embedded file. */
  readonly location: string;
  /** Every host, where there are several; null where there is one. */
  readonly hosts: HostList | null;
  /** Connections this process keeps at most. */
  readonly poolSize: number;
  /** What was demanded of the connection; null where nobody said anything, and it is plain text. */
  readonly tls: DatabaseTls | null;
}

/** Servers that follow the database, for reads that may be a little old. */
export interface ReplicasConfig {
  readonly servers: readonly DatabaseConfig[];
  /** From what lag on a server is not read from, ms. */
  readonly lagMsMax: number;
}

const DATABASE_PURPOSE = 'the billing database, apart from the main one and with a pool of its own';
const DATABASE_EXAMPLE = 'mysql://billing:password@db.example.com:3306/billing_db?connection_limit=10';

/** What stands behind the first of several URLs would be taken for the name of its database, passwords and all. */
const SECOND_URL = 'has a slash in the name of its database: several hosts stand in one URL, with a comma between';

/** The database that a variable names. */
export function readDatabase(reader: EnvironmentReader, where: { isProduction: boolean; dataDir: string }, name: string): DatabaseConfig {
  const { isProduction, dataDir } = where;
  const embedded: DatabaseConfig = { kind: 'embedded', location: path.join(dataDir, 'billing.db'), hosts: null, poolSize: 1, tls: null };
  const given = reader.text(name);
  if (given === undefined) {
    if (isProduction) reader.missing(name, DATABASE_PURPOSE, DATABASE_EXAMPLE);
    return embedded;
  }
  if (given.startsWith('sqlite:')) {
    if (isProduction) reader.wrong(name, 'names the embedded database, which is refused in production', DATABASE_EXAMPLE);
    return { ...embedded, location: path.resolve(given.slice('sqlite:'.length)) };
  }
  const urls = readUrls(reader, given, name);
  const [url] = urls;
  if (url === undefined) return embedded;
  if (url.pathname.length < 2) reader.wrong(name, 'names no database after the host', DATABASE_EXAMPLE);
  else if (url.pathname.includes('/', 1)) reader.wrong(name, SECOND_URL, SEVERAL_HOSTS);
  const location = withoutQuery(url);
  const hosts = readHosts(reader, urls, name);
  const poolSize = readPoolSize(reader, url, { isProduction, name });
  return { kind: 'mysql', location, hosts, poolSize, tls: readTls(reader, url, name) };
}

/** Whether a database URL says how many connections a pool may have. */
export function saysPoolSize(given: string): boolean {
  const url = readUrl(eachHost(given)[0] ?? '');
  return url?.searchParams.has('connection_limit') === true;
}

/** The URL, once with each of its hosts; none, and a problem, where a part of it cannot be read. */
function readUrls(reader: EnvironmentReader, given: string, name: string): readonly URL[] {
  const each = eachHost(given);
  const urls = each.map(readUrl).map((url) => (each.length > 1 && url?.hostname === '' ? null : url));
  const readable = urls.filter((url) => url !== null);
  if (readable.length === each.length) return readable;
  // Where no host can be read it is not the hosts.
  if (readable.length > 0)
    refuseHosts(
      reader,
      urls.map((url) => url !== null),
      name,
    );
  else reader.wrong(name, 'is not a mysql:// URL, or its password has signs that must be percent-encoded', DATABASE_EXAMPLE);
  return [];
}

const REPLICAS = 'DATABASE_URL_BILLING_REPLICAS';

/** The servers that may be read from in place of `database`; null where none is named. */
export function readReplicas(
  reader: EnvironmentReader,
  { database, ...where }: { isProduction: boolean; dataDir: string; database: DatabaseConfig },
): ReplicasConfig | null {
  const purpose = 'how far behind a replica may be that is read from, in seconds';
  const lagSecondsMax = reader.integer('BILLING_REPLICA_LAG_SECONDS', 10, { min: 3, max: 3_600, purpose });
  const given = reader.text(REPLICAS);
  if (given === undefined) return null;
  if (given.startsWith('sqlite:') || database.kind === 'embedded') {
    reader.wrong(REPLICAS, 'is for a database server, and the embedded database has no replicas', DATABASE_EXAMPLE);
    return null;
  }
  const server = readDatabase(reader, where, REPLICAS);
  const each = server.hosts?.addresses.map((address) => ({ ...server, hosts: null, location: at(address, server.location) }));
  return { servers: each ?? [server], lagMsMax: 1_000 * lagSecondsMax };
}

/** The location with another host. */
function at(address: HostAddress, location: string): string {
  const url = new URL(location);
  url.host = hostName(address);
  return url.toString();
}

/** The URL; null if it is none whose every part can be read. */
function readUrl(given: string): URL | null {
  if (!URL.canParse(given)) return null;
  const url = new URL(given);
  if (!['mysql:', 'mariadb:'].includes(url.protocol) || url.hash !== '') return null;
  try {
    for (const part of [url.hostname, url.username, url.password, url.pathname]) decodeURIComponent(part);
    return url;
  } catch {
    return null;
  }
}

function readPoolSize(reader: EnvironmentReader, url: URL, { isProduction, name }: { isProduction: boolean; name: string }): number {
  const given = url.searchParams.get('connection_limit');
  if (given === null) {
    if (isProduction)
      reader.wrong(name, 'is unpooled: it has no connection_limit, so billing would have no pool of its own', DATABASE_EXAMPLE);
    return 10;
  }
  const poolSize = Number(given);
  if (!Number.isInteger(poolSize) || poolSize < 2 || poolSize > 500) {
    reader.wrong(name, 'has a connection_limit that is not a whole number from 2 to 500', DATABASE_EXAMPLE);
    return 10;
  }
  return poolSize;
}

function withoutQuery(url: URL): string {
  const bare = new URL(url);
  bare.search = '';
  return bare.toString().replace(/^mariadb:/, 'mysql:');
}
