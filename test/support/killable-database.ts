import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { freePort } from './processes.js';

const START_MS_MAX = 60_000;
/** Of every user of such a server. */
export const PASSWORD = 'of-a-database-that-dies';
/** A user with the rights of a service that migrates, so that init_connect is for it too. */
const PLAIN_USER = [
  `create user if not exists 'billing'@'127.0.0.1' identified by '${PASSWORD}';`,
  "grant all on billing_db.* to 'billing'@'127.0.0.1';",
];
const BINARY_LOGS = ['--log-bin=binlog', '--server-id=1', '--binlog-format=ROW', '--sync-binlog=1'];

/** How a server differs from what it is by itself. */
interface ServerWishes {
  readonly keepsLogs?: boolean;
  readonly settings?: readonly string[];
  readonly statements?: readonly string[];
  /** Where it has its data; a directory of its own if absent. */
  readonly within?: string;
}

/** A database server of a test's own, which keeps its data when it is killed. Every commit is on disk before it is answered. */
export class KillableDatabase {
  private child: ChildProcess | undefined;
  private readonly endWithUs = () => void this.child?.kill('SIGKILL');

  private constructor(
    private readonly server: string,
    private readonly directory: string,
    private readonly port: number,
    private readonly logs: readonly string[],
    private readonly settings: readonly string[],
  ) {
    process.once('exit', this.endWithUs);
  }

  /**
   * A running server with an empty database, with binary logs if asked for, more options, and statements that it runs at
   * every start; null where no server is installed.
   */
  static async create({
    keepsLogs = false,
    settings = [],
    statements = [],
    within = tmpdir(),
  }: ServerWishes = {}): Promise<KillableDatabase | null> {
    const server = findProgram(['mariadbd', 'mysqld']);
    if (server === null) return null;
    // MySQL's server makes its data directory by itself; MariaDB's needs the installer beside it.
    const { stdout } = await promisify(execFile)(server, ['--no-defaults', '--version']);
    const installer = stdout.includes('MariaDB') ? findProgram(['mariadb-install-db', 'mysql_install_db']) : null;
    const directory = await mkdtemp(path.join(within, 'bg_test_server_'));
    await mkdir(path.join(directory, 'tmp'));
    const logs = keepsLogs ? BINARY_LOGS : ['--skip-log-bin'];
    const database = new KillableDatabase(server, directory, await freePort(), logs, settings);
    const how = installer === null ? ['--initialize-insecure'] : ['--auth-root-authentication-method=normal', '--skip-test-db'];
    await promisify(execFile)(installer ?? server, [...database.options, ...how]);
    const grant = `grant all privileges on *.* to 'root'@'127.0.0.1' with grant option;`;
    const user = `create user if not exists 'root'@'127.0.0.1' identified by '${PASSWORD}';`;
    const known = `alter user 'root'@'127.0.0.1' identified by '${PASSWORD}';`;
    const schema = 'create database if not exists billing_db character set utf8mb4 collate utf8mb4_bin;';
    await writeFile(path.join(directory, 'init.sql'), [user, known, grant, schema, ...PLAIN_USER, ...statements, ''].join('\n'));
    await database.start();
    return database;
  }

  get url(): string {
    return this.urlOf('billing_db');
  }

  /** The address of another database on it. */
  urlOf(name: string): string {
    return `mysql://root:${PASSWORD}@127.0.0.1:${this.port}/${name}`;
  }

  /** The address of its database for a user without a right on the server. */
  get plainUrl(): string {
    return this.urlAt('127.0.0.1');
  }

  /** The same by another name of this machine, with parameters. */
  urlAt(host: string, parameters: Readonly<Record<string, string>> = {}, user = 'billing'): string {
    const query = new URLSearchParams(parameters).toString();
    return `mysql://${user}:${PASSWORD}@${host}:${this.port}/billing_db${query && `?${query}`}`;
  }

  /** Starts the server, on the data that it had; resolves once it answers. */
  async start(): Promise<void> {
    const listening = ['--bind-address=127.0.0.1', `--port=${this.port}`, '--skip-name-resolve'];
    const files = [`--socket=${this.directory}/server.sock`, `--pid-file=${this.directory}/server.pid`];
    const args = [
      ...this.options,
      ...listening,
      ...files,
      `--init-file=${this.directory}/init.sql`,
      '--loose-mysqlx=OFF',
      ...this.settings,
    ];
    this.child = spawn(this.server, args, { stdio: 'ignore' });
    for (const until = Date.now() + START_MS_MAX; this.isRunning && Date.now() < until; await sleep(50)) {
      const connection = await this.administer().catch(() => null);
      await connection?.end();
      if (connection !== null) return;
    }
    throw new Error('The database server did not start.');
  }

  /** While that goes on, starts it again whenever it ended by itself, as its unit does, also if it ends while it starts. */
  async supervise(work: Promise<void>): Promise<void> {
    const over = new AbortController();
    const watch = async () => {
      for (; !over.signal.aborted; await sleep(50)) if (!this.isRunning) await this.start().catch(() => undefined);
    };
    await Promise.all([work.finally(() => over.abort()), watch()]);
  }

  /** Whether its process is there. */
  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** A connection of its administrator, by its socket: whatever it demands of others. */
  administer(): Promise<mysql.Connection> {
    return mysql.createConnection({ socketPath: `${this.directory}/server.sock`, user: 'root', connectTimeout: 2_000 });
  }

  /** Ends it as a power cut would; resolves once it is gone. */
  async kill(): Promise<void> {
    if (this.child === undefined || !this.isRunning) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Has it hang: connections stay open, and nothing is answered. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  /** Has it go on where it was. */
  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** Ends it and removes what it held. */
  async close(): Promise<void> {
    await this.kill();
    process.off('exit', this.endWithUs);
    await rm(this.directory, { recursive: true, force: true });
  }

  private get options(): string[] {
    const data = [`--datadir=${this.directory}/data`, `--tmpdir=${this.directory}/tmp`, ...this.logs];
    const sizes = ['--innodb-buffer-pool-size=64M', '--loose-innodb-log-file-size=16M', '--loose-innodb-redo-log-capacity=16M'];
    const user = process.getuid?.() === 0 ? ['--user=root'] : [];
    return ['--no-defaults', ...data, '--innodb-flush-log-at-trx-commit=1', ...sizes, '--performance-schema=OFF', ...user];
  }
}

/** The path of the first of these programs found on PATH or where systems keep their servers. */
function findProgram(names: readonly string[]): string | null {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/mysql/bin'];
  const paths = names.flatMap((name) => directories.filter(Boolean).map((directory) => path.join(directory, name)));
  return paths.find((candidate) => existsSync(candidate)) ?? null;
}
