import type { PoolConnection } from 'mysql2';
import type { Answered, Connections } from './connections.js';
import { endsTransaction } from './outage.js';

/** How a statement is given to the driver. */
type Send<Result> = (done: Answered<Result>) => void;

/**
 * The statements of one transaction on its connection, one after the other. A server that lost a transaction goes on
 * with the next statement as if there had been none, and commits it by itself; a connection that somebody else has by
 * now takes it into their transaction. So after a statement that ended the transaction nothing is sent but ROLLBACK,
 * and after its end nothing at all.
 */
export class TransactionLine {
  private readonly waiting: (() => void)[] = [];
  private isBusy = false;
  /** Why nothing is sent any more. */
  private over: Error | null = null;
  private isGivenBack = false;

  constructor(
    private readonly connections: Connections,
    private readonly connection: PoolConnection,
  ) {}

  /** Sends a statement once those before it are answered. What may not be sent fails like the one that was lost. */
  send<Result>(sql: string, send: Send<Result>, done: Answered<Result>): void {
    if (this.isBusy) this.waiting.push(() => this.next(sql, send, done));
    else this.next(sql, send, done);
  }

  /** The connection is for others from now on. */
  release(): void {
    this.giveBack();
    this.connection.release();
  }

  /** It is for nobody any more: the server rolls back what is open. */
  destroy(): void {
    this.giveBack();
    this.connection.destroy();
  }

  private giveBack(): void {
    this.isGivenBack = true;
    this.over ??= new Error('The transaction is over.');
  }

  private next<Result>(sql: string, send: Send<Result>, done: Answered<Result>): void {
    if (this.over !== null && (this.isGivenBack || sql !== 'rollback')) {
      this.answer(done, this.over);
      return;
    }
    this.isBusy = true;
    this.connections.ask<Result>(this.connection, send, (error, result) => {
      this.isBusy = false;
      if (error !== null && (sql === 'commit' || endsTransaction(error))) this.over ??= error;
      if (error === null && (sql === 'commit' || sql === 'rollback')) this.over ??= new Error('The transaction is over.');
      this.answer(done, error, result);
    });
  }

  private answer<Result>(done: Answered<Result>, error: Error | null, result?: Result): void {
    done(error, result);
    if (!this.isBusy) this.waiting.shift()?.();
  }
}
