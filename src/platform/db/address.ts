import { type HostAddress, hostOf } from '../../config.hosts.js';

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
