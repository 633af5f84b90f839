import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolConnection } from 'mysql2';
import { connecting, endsConnection, outageOf, StatementTimeout } from './outage.js';

/** How a statement ended, as the driver says it. */
export type Answered<Result> = (error: Error | null, result?: Result) => void;

interface ConnectionsParts {
  /** No statement is waited for longer than this, ms; null waits for ever. */
  readonly statementMsMax: number | null;
  /** A connection that was open at this time of `performance.now()` leads to a server that cannot serve. */
  readonly onOutage: (at: number) => void;
}

/**
 * How long a connection is tried for while the server has no room for it, ms: others of this process may become free.
 * The pauses between are random below the other.
 */
const [FULL_MS_MAX, FULL_PAUSE_MS] = [2_000, 200];

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
  }

  /** Connections that were open at this time are not used any more. */
  dropOpenedBefore(at: number): void {
    this.servingSince = Math.max(this.servingSince, at);
  }

  /** A connection that may serve, to be released. Throws what the driver says if none can be had. */
  async take(): Promise<PoolConnection> {
    for (;;) {
      const connection = await this.open();
      if ((this.openedAt.get(connection) ?? 0) >= this.servingSince) return connection;
      connection.destroy();
    }
  }

  /** Has `send` send a statement on a connection, which is closed if it turns out to be of no use. */
  ask<Result>(connection: PoolConnection, send: (done: Answered<Result>) => void, done: Answered<Result>): void {
    const { statementMsMax, onOutage } = this.parts;
    const sentAt = performance.now();
    let isOpen = true;
    const end: Answered<Result> = (error, result) => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
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

  private async open(): Promise<PoolConnection> {
    for (const until = performance.now() + FULL_MS_MAX; ; ) {
      try {
        return await this.openOnce();
      } catch (error) {
        if (outageOf(error) !== 'full' || performance.now() > until) throw error;
        await sleep(Math.random() * FULL_PAUSE_MS);
      }
    }
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
