import type { EnvironmentReader } from './config.reader.js';

/** Where a database server listens. */
export interface HostAddress {
  /** A name or an address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Servers of one database: nodes of a cluster, a primary and its replicas, or several ways to one server. */
export interface HostList {
  /** Two at least, as they were given. */
  readonly addresses: readonly HostAddress[];
  /** How they are tried: as given, so that all processes use the same one, or as each process shuffled them. */
  readonly order: 'given' | 'random';
}

const PORT = 3306;
/** A URL with several, for who wrote one that cannot be read. */
export const SEVERAL_HOSTS = 'mysql://billing:password@db-1.example.com:3306,db-2.example.com:3306/billing_db?connection_limit=10';

/** What stands before the hosts, the hosts, and what stands behind them. */
const PARTS = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is;

/** A URL with several hosts, once with each of them; the URL itself where there is one. */
export function eachHost(given: string): readonly string[] {
  const [, before, hosts, after] = PARTS.exec(given) ?? [];
  return hosts === undefined ? [given] : hosts.split(',').map((host) => `${before}${host}${after}`);
}

/** Where the server of a `mysql` URL listens. */
export function hostOf(url: URL): HostAddress {
  return { host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || PORT) };
}

/** `host:port`, an IPv6 address in brackets: how a host is called in logs and metrics. */
export function hostName({ host, port }: HostAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The hosts of a URL, which is given once with each of them; null where there is one. Problems go to the reader. */
export function readHosts(reader: EnvironmentReader, urls: readonly URL[], name: string): HostList | null {
  const order = readOrder(reader, urls, name);
  if (urls.length === 1) return null;
  const addresses = urls.map(hostOf);
  const names = addresses.map((address) => hostName(address).toLowerCase());
  const twice = names.find((each, index) => names.indexOf(each) < index);
  if (twice !== undefined) reader.wrong(name, `names the host ${twice} twice`, SEVERAL_HOSTS);
  return { addresses, order };
}

/** Says of several hosts which of them cannot be read: by its place, for it may be a part of a password. */
export function refuseHosts(reader: EnvironmentReader, isReadable: readonly boolean[], name: string): void {
  const places = isReadable.flatMap((isGood, index) => (isGood ? [] : [index + 1]));
  const what = places.length === 1 ? `host ${places[0]}` : `hosts ${places.join(' and ')}`;
  const rule = 'each is a name or an address (IPv6 in brackets) with or without a port, with a comma between and no space';
  reader.wrong(
    name,
    `has ${what} of ${isReadable.length} that cannot be read: ${rule}; signs in a password are percent-encoded`,
    SEVERAL_HOSTS,
  );
}

/** In the words of PostgreSQL's clients, which are the only ones that have a parameter for it. */
function readOrder(reader: EnvironmentReader, [url]: readonly URL[], name: string): HostList['order'] {
  const given = url?.searchParams.get('load_balance_hosts') ?? 'disable';
  if (given !== 'disable' && given !== 'random')
    reader.wrong(name, 'has a load_balance_hosts that is neither disable nor random', SEVERAL_HOSTS);
  return given === 'random' ? 'random' : 'given';
}
