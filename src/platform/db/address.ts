import { type HostAddress, hostName, hostOf } from '../../config.hosts.js';

/** Where a database server is and how one logs in there. */
export interface ServerAddress extends HostAddress {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The parts of the location of a `mysql` database: of its first host, where there are several. */
export function addressOf(location: string): ServerAddress {
  const url = new URL(location);
  const { username, password, pathname } = url;
  return {
    ...hostOf(url),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}

/** How the server of a location is called, `host:port`: of its first host, where there are several. */
export function serverName(location: string): string {
  return hostName(hostOf(new URL(location)));
}

/** The same database of the same user on another host. */
export function locationAt(location: string, address: HostAddress): string {
  const url = new URL(location);
  url.host = hostName(address);
  return url.href;
}
