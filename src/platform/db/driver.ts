import type { Connection, ConnectionOptions, Pool, PoolConnection } from 'mysql2';
import type { HostAddress } from '../../config.hosts.js';

/** A list of the driver's own. */
interface Ring<T> {
  readonly length: number;
  get(index: number): T;
}

/** What a pool of the driver has, and its types do not: every version of it has these, and the ORM reads them too. */
interface PoolInside {
  /** Copied for each connection when that is made. */
  readonly config: { readonly connectionConfig: ConnectionOptions };
  readonly _allConnections: Ring<PoolConnection>;
  readonly _freeConnections: Ring<PoolConnection>;
  readonly _connectionQueue: Ring<unknown>;
}

/** The inside of a pool. */
export function insideOf(pool: Pool): PoolInside {
  return pool as unknown as PoolInside;
}

/** What a list holds now; it may change while that is gone through. */
export function listed<T>(ring: Ring<T>): T[] {
  return Array.from({ length: ring.length }, (_, index) => ring.get(index));
}

/** Whether a connection was made to here. */
export function leadsTo(connection: Connection, { host, port }: HostAddress): boolean {
  return connection.config.host === host && connection.config.port === port;
}

/**
 * Ends a connection without a word to its server, which may hang. What was asked on it fails with `error`. The driver's
 * own `destroy` waits for what was sent to be taken, and tells nobody.
 */
export function cut(connection: Connection, error?: Error): void {
  const { stream } = connection as unknown as { readonly stream: { destroy(error?: Error): void } };
  stream.destroy(error);
}
