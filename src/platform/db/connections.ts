import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions, Pool, PoolConnection } from 'mysql2';
import { type HostAddress, hostName } from '../../config.hosts.js';
import { cut, insideOf, leadsTo, listed } from './driver.js';
import type { Hosts } from './hosts.js';
import { asMeant, connecting, endsConnection, outageOf, StatementTimeout } from './outage.js';

/** How a statement ended, as the driver says it. */
export type Answered<Result> = (error: Error | null, result?: Result) => void;

interface ConnectionsParts {
  /** No statement is waited for longer than this, ms; null waits for ever. */
  readonly statementMsMax: number | null;
  /** A connection that was open at this time of `performance.now()` leads to a server that cannot serve. */
  readonly onOutage: (at: number) => void;
  /** Where connections are to lead; null where there is one server. */
  readonly hosts: Hosts | null;
}

/**
 * How long a connection is tried for while the server has no room for it, ms: others of this process may become free.
 * The pauses between are random below the other.
 */
const [FULL_MS_MAX, FULL_PAUSE_MS] = [2_000, 200];

/** How long other hosts are tried for, ms, where one after the other can be reached no more. */
const OTHERS_MS_MAX = 10_000;

/**
 * The connections of one pool. One that says that it cannot serve, or does not answer, is closed, and so are those that
 * were opened before: after a failover they lead to the server of before. So a pool recovers by itself.
 */
export class Connections {
  private readonly openedAt = new WeakMap<object, number>();
  private readonly ended = new WeakSet<object>();
  private servingSince = 0;

  constructor(
    readonly pool: Pool,
    private readonly parts: ConnectionsParts,
  ) {
    pool.on('connection', (connection: object) => this.openedAt.set(connection, performance.now()));
    // What was in use while another host was chosen.
    if (parts.hosts !== null)
      pool.on('release', (connection: PoolConnection) => void (this.leadsRight(connection) || connection.destroy()));
  }

  /** Connections that were open at this time are not used any more. */
  dropOpenedBefore(at: number): void {
    this.servingSince = Math.max(this.servingSince, at);
  }

  /** A connection that may serve, to be released. Throws what the driver says if none can be had. */
  async take(): Promise<PoolConnection> {
    for (;;) {
      const connection = await this.open();
      if ((this.openedAt.get(connection) ?? 0) >= this.servingSince && this.leadsRight(connection)) return connection;
      connection.destroy();
    }
  }

  /** New connections lead here, and those that lie idle and lead elsewhere are closed. */
  lead(to: Partial<ConnectionOptions>): void {
    const { config, _freeConnections: free } = insideOf(this.pool);
    Object.assign(config.connectionConfig, to);
    for (const connection of listed(free)) if (!this.leadsRight(connection)) connection.destroy();
  }

  /** What was asked of a host, or waits for its greeting, fails now. */
  abandon(address: HostAddress): void {
    for (const connection of listed(insideOf(this.pool)._allConnections))
      if (leadsTo(connection, address)) cut(connection, new HostSilent(address));
  }

  /** Has `send` send a statement on a connection, which is closed if it turns out to be of no use. */
  ask<Result>(connection: PoolConnection, send: (done: Answered<Result>) => void, done: Answered<Result>): void {
    const { statementMsMax, onOutage, hosts } = this.parts;
    const sentAt = performance.now();
    let isOpen = true;
    const end: Answered<Result> = (said, result) => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      const error = said && asMeant(said, performance.now() - sentAt);
      if (error === null) hosts?.heard(connection);
      // What was already ended says nothing new.
      if (error !== null && endsConnection(error) && !this.ended.has(connection)) {
        this.ended.add(connection);
        connection.destroy();
        onOutage(sentAt);
      }
      done(error, result);
    };
    const timer = statementMsMax === null ? undefined : setTimeout(() => end(new StatementTimeout(statementMsMax)), statementMsMax);
    send(end);
  }

  private leadsRight(connection: PoolConnection): boolean {
    const { hosts } = this.parts;
    return hosts === null || (hosts.used !== null && leadsTo(connection, hosts.used));
  }

  private async open(): Promise<PoolConnection> {
    const { hosts } = this.parts;
    for (const beganAt = performance.now(); ; ) {
      if (hosts?.isReady === false) await hosts.ready().catch((error: Error) => Promise.reject(connecting(error)));
      const host = hosts?.used;
      try {
        return await this.openOnce();
      } catch (error) {
        if (outageOf(error) === 'full' && performance.now() <= beganAt + FULL_MS_MAX) await sleep(Math.random() * FULL_PAUSE_MS);
        else if (performance.now() > beganAt + OTHERS_MS_MAX || !(await this.isElsewhere(host))) throw error;
      }
    }
  }

  /** Whether another host is used by now than that to which no connection could be made. */
  private async isElsewhere(before: unknown): Promise<boolean> {
    const { hosts } = this.parts;
    if (hosts === null) return false;
    hosts.doubt();
    await hosts.ready().catch(() => undefined);
    return hosts.used !== before;
  }

  /** What comes too late is for the next. */
  private openOnce(): Promise<PoolConnection> {
    const { statementMsMax } = this.parts;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const giveUp = () => {
        isLate = true;
        reject(connecting(new StatementTimeout(statementMsMax ?? 0)));
      };
      const timer = statementMsMax === null ? undefined : setTimeout(giveUp, statementMsMax);
      this.pool.getConnection((error, connection) => {
        clearTimeout(timer);
        if (error) reject(connecting(error));
        else if (isLate) connection.release();
        else resolve(connection);
      });
    });
  }
}

/** The host was found to hang, or to be gone: what it was asked may have been done. */
class HostSilent extends Error {
  readonly code = 'EHOSTDOWN';
  readonly fatal = true;

  constructor(address: HostAddress) {
    super(`The database server at ${hostName(address)} does not answer.`);
  }
}
