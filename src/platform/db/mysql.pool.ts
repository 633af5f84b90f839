import type { Configuration } from '@mikro-orm/core';
import { MySqlDriver } from '@mikro-orm/mysql';
import { type ControlledTransaction, Kysely, MysqlDialect, type MysqlDialectConfig } from 'kysely';
import { type ConnectionOptions, createPool, type Pool, type PoolConnection } from 'mysql2';
import type { HostAddress, HostList } from '../../config.hosts.js';
import type { DatabaseConfig } from '../../config.js';
import { addressOf } from './address.js';
import { Connections } from './connections.js';
import { insideOf } from './driver.js';
import { HostProbe } from './host-probe.js';
import { Hosts } from './hosts.js';
import { executedAlone, PreparedTransaction, type StatementResult } from './prepared-transaction.js';
import { withSession } from './session.js';
import { sslOf, strangerFault } from './tls.js';
import { TransactionLine } from './transaction-line.js';

/** How many connections are open, lie idle, and are waited for. */
export interface PoolUse {
  readonly max: number;
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Statements a connection keeps prepared; servers allow some 16,000 over all connections. */
const STATEMENTS_KEPT = 200;

/** How long a server may take to greet a new connection, ms: one that hangs is told from one that is slow. */
const CONNECT_MS_MAX = 5_000;

/**
 * After how much silence a server is asked whether its machine is still there, ms; ten seconds without an answer end
 * the connection (net.Socket's setKeepAlive). The system's own rule is two hours, for which statements would wait whose
 * server was lost while it worked on them, as in a failover.
 */
const SILENT_MS_MAX = 10_000;

/** Of the connections that a process may have, two at least, this share is for transactions. */
const TRANSACTIONS_SHARE = 0.5;

/**
 * The connections to a server. Transactions have half of them, single statements and migrations the other half. So a
 * transaction that has to read beside itself never waits for a connection that other transactions hold.
 */
export class MySqlPool {
  /** What the ORM speaks to it with. */
  readonly driver = OwnIdsDriver;
  /** Null where there is one server. */
  readonly hosts: Hosts | null;
  private readonly singles: Connections;
  private readonly transactions: Connections;
  private readonly ofOrm: Kysely<unknown>;

  /** `statementMsMax` bounds the wait for each statement, ms; null does not. */
  constructor(
    private readonly config: DatabaseConfig,
    statementMsMax: number | null,
  ) {
    const transactions = Math.ceil(config.poolSize * TRANSACTIONS_SHARE);
    this.hosts = config.hosts === null ? null : this.hostsOf(config.hosts);
    const onOutage = (at: number) => this.dropOpenedBefore(at);
    const connections = (limit: number) => new Connections(poolOf(config, limit), { statementMsMax, onOutage, hosts: this.hosts });
    this.singles = connections(config.poolSize - transactions);
    this.transactions = connections(transactions);
    this.ofOrm = new Kysely({ dialect: new MysqlDialect(sharing(this.transactions)) });
  }

  /** How the ORM sends single statements. */
  dialect(): MysqlDialect {
    return new MysqlDialect(sharing(this.singles));
  }

  /** A transaction for a unit of work of the ORM. */
  ormTransaction(): Promise<ControlledTransaction<unknown>> {
    return this.ofOrm.startTransaction().execute();
  }

  /** One statement in a transaction of its own. Prepared once a connection; then only its values are sent. */
  execute(sql: string, values: unknown[]): Promise<StatementResult> {
    return executedAlone(this.singles, sql, values);
  }

  /** A transaction without the ORM, which has yet to begin. */
  transaction(): PreparedTransaction {
    return new PreparedTransaction(this.transactions);
  }

  /** Ends every connection. One that the server cut cannot be ended; nothing else can go wrong here. */
  async close(): Promise<void> {
    this.hosts?.close();
    await Promise.all(this.both.map(({ pool }) => new Promise<void>((resolve) => pool.end(() => resolve()))));
  }

  /** What was open at this time of `performance.now()` is used no more: it leads to a server that cannot serve. */
  private dropOpenedBefore(at: number): void {
    for (const each of this.both) each.dropOpenedBefore(at);
    this.hosts?.doubt();
  }

  private get both(): readonly Connections[] {
    return [this.singles, this.transactions];
  }

  /** Files of certificates are read now, so that going over to another host needs none. */
  private hostsOf(list: HostList): Hosts {
    const ways = new Map(list.addresses.map((address) => [address, wayTo(this.config, address)]));
    const wayOf = (address: HostAddress) => ways.get(address) ?? address;
    return new Hosts({
      list,
      probeOf: (address, onEnd) =>
        new HostProbe({ options: { ...addressOf(this.config.location), ...wayOf(address) }, tls: this.config.tls, onEnd }),
      onUse: (address) => this.both.forEach((each) => void each.lead(wayOf(address))),
      onSilent: (address) => this.both.forEach((each) => void each.abandon(address)),
    });
  }

  use(): PoolUse {
    const [one, other] = [useOf(this.singles.pool), useOf(this.transactions.pool)];
    return {
      max: this.config.poolSize,
      open: one.open + other.open,
      idle: one.idle + other.idle,
      waiting: one.waiting + other.waiting,
    };
  }
}

/**
 * Ids are ours. Otherwise the ORM asks in the first transaction that inserts by which step the server's ids grow, and
 * an error of that one statement, where a Galera node says that the transaction is lost, is of none of its classes.
 */
class OwnIdsDriver extends MySqlDriver {
  constructor(config: Configuration) {
    super(config);
    Object.assign(this, { autoIncrementIncrement: 1 });
  }
}

/** A pool for Kysely, which would end it only if it had used it: that is left to `close`. */
function sharing(connections: Connections): MysqlDialectConfig {
  const getConnection = (done: (error: unknown, connection?: KyselyConnection) => void) =>
    void connections.take().then((connection) => done(null, closedOnFailure(connections, connection)), done);
  return { pool: { getConnection: getConnection as never, end: (done) => done(undefined) } };
}

/** What Kysely uses of a connection. */
type KyselyConnection = Pick<PoolConnection, 'threadId' | 'release'> & {
  query(sql: string, values: unknown[], done: (error: unknown, result?: unknown) => void): void;
};

/** Kysely would keep a connection whose BEGIN or ROLLBACK failed, with its locks. Closed, its server rolls back. */
function closedOnFailure(connections: Connections, connection: PoolConnection): KyselyConnection {
  const line = new TransactionLine(connections, connection);
  return {
    threadId: connection.threadId,
    query: (sql, values, done) =>
      line.send<unknown>(
        sql,
        (answered) => void connection.query(sql, values, answered),
        (error, result) => {
          if (error !== null && ['begin', 'rollback'].includes(sql)) line.destroy();
          done(sql === 'rollback' ? null : error, result);
        },
      ),
    release: () => line.release(),
  };
}

/** What the driver has to know to come to a host, beside who logs in. */
function wayTo({ tls }: DatabaseConfig, { host, port }: HostAddress): Pick<ConnectionOptions, 'host' | 'port' | 'ssl'> {
  return { host, port, ...sslOf(tls, host) };
}

/** A pool whose connections are the server's that is meant, and say what we rely on before they are used. */
export function poolOf(config: DatabaseConfig, connectionLimit: number): Pool {
  const address = addressOf(config.location);
  const pool = createPool({
    ...address,
    ...wayTo(config, address),
    connectionLimit,
    connectTimeout: CONNECT_MS_MAX,
    keepAliveInitialDelay: SILENT_MS_MAX,
    maxPreparedStatements: STATEMENTS_KEPT,
    supportBigNumbers: true,
    timezone: 'Z',
    charset: 'utf8mb4_bin',
  });
  return withSession(pool, (connection) => strangerFault(config.tls, connection));
}

function useOf(pool: Pool): Omit<PoolUse, 'max'> {
  const { _allConnections, _freeConnections, _connectionQueue } = insideOf(pool);
  return { open: _allConnections.length, idle: _freeConnections.length, waiting: _connectionQueue.length };
}
