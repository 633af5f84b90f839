import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SESSION_SETTINGS } from '../platform/db/session.js';
import { BackupError, type Call, findProgram, output, type ProgramEnvironment } from './programs.js';

/** What the programs of a server are called, the server's own family first. */
const PROGRAMS = {
  client: { mariadb: ['mariadb', 'mysql'], mysql: ['mysql', 'mariadb'] },
  dump: { mariadb: ['mariadb-dump', 'mysqldump'], mysql: ['mysqldump'] },
  logs: { mariadb: ['mariadb-binlog', 'mysqlbinlog'], mysql: ['mysqlbinlog'] },
} as const;

/** The family a server and its programs belong to; their dumps and logs are read by their own family only. */
export type Family = 'mariadb' | 'mysql';

const HOW_TO_GET = { mariadb: 'apt-get install mariadb-client', mysql: "the mysql-community-client of MySQL's own packages" };

/**
 * Starts the programs of a MySQL or MariaDB server for one database. User and password reach them in a file that only
 * we can read, which exists while `within` runs.
 */
export class MysqlClient {
  readonly database: string;
  private readonly url: URL;

  private constructor(
    location: string,
    private readonly optionFile: string,
    private readonly environment: ProgramEnvironment,
  ) {
    this.url = new URL(location);
    this.database = decodeURIComponent(this.url.pathname.slice(1));
  }

  /** Hands a client to `work`, and removes the password's file after it. */
  static async within<T>(location: string, environment: ProgramEnvironment, work: (client: MysqlClient) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(path.join(tmpdir(), 'billing-login-'));
    try {
      const client = new MysqlClient(location, path.join(directory, 'my.cnf'), environment);
      await writeFile(client.optionFile, client.options(), { mode: 0o600 });
      return await work(client);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Rows of one statement, as text. `database` null asks the server without choosing one. */
  async query(sql: string, database: string | null = this.database): Promise<string[][]> {
    const text = await output(
      await this.call('client', ['--batch', '--raw', '--skip-column-names', ...(database === null ? [] : [database])]),
      sql,
    );
    return text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => line.split('\t'));
  }

  /** The server's version, as it says it. */
  async version(): Promise<string> {
    return (await this.query('select version()', null))[0]?.[0] ?? '';
  }

  /** Which programs this server needs. */
  async family(): Promise<Family> {
    return (await this.version()).includes('MariaDB') ? 'mariadb' : 'mysql';
  }

  /** How to start one of the server's programs. Throws BackupError where it is not installed. */
  async call(what: keyof typeof PROGRAMS, args: readonly string[]): Promise<Call> {
    // The client speaks to either family, and is what finds out which one it is.
    const family = what === 'client' ? 'mariadb' : await this.family();
    const program = findProgram(PROGRAMS[what][family], this.environment);
    if (program === null) {
      const how = what === 'client' ? `${HOW_TO_GET.mariadb}, or ${HOW_TO_GET.mysql}` : HOW_TO_GET[family];
      throw new BackupError(`${PROGRAMS[what][family].join(' or ')} is not installed here: ${how}.`);
    }
    return { program, args: [`--defaults-file=${this.optionFile}`, ...args], environment: this.programEnvironment };
  }

  /** The same without logging in: for programs that read files. */
  get programEnvironment(): ProgramEnvironment {
    const { PATH = '' } = this.environment;
    // Moments are given and read in UTC.
    return { PATH, TZ: 'UTC', LC_ALL: 'C' };
  }

  private options(): string {
    const { hostname, port, username, password } = this.url;
    const quoted = (text: string) => `"${decodeURIComponent(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    const host = hostname.replace(/^\[|\]$/g, '');
    const lines = [
      '[client]',
      `host=${host}`,
      `port=${port || '3306'}`,
      'protocol=tcp',
      `user=${quoted(username)}`,
      `password=${quoted(password)}`,
      // The group of the client that sends statements; other programs do not know the option.
      '[mysql]',
      `init-command="${SESSION_SETTINGS}"`,
    ];
    return `${lines.join('\n')}\n`;
  }
}
