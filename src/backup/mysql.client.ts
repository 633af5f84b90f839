import { realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseConfig } from '../config.js';
import type { DatabaseTls } from '../config.tls.js';
import { addressOf, type ServerAddress, serverName } from '../platform/db/address.js';
import { SESSION_SETTINGS } from '../platform/db/session.js';
import { BackupError, type Call, findProgram, output, type ProgramEnvironment } from './programs.js';
import { inDirectory } from './work-directory.js';

/** What the programs of a server are called, the server's own family first. */
const PROGRAMS = {
  client: { mariadb: ['mariadb', 'mysql'], mysql: ['mysql', 'mariadb'] },
  dump: { mariadb: ['mariadb-dump', 'mysqldump'], mysql: ['mysqldump'] },
  logs: { mariadb: ['mariadb-binlog', 'mysqlbinlog'], mysql: ['mysqlbinlog'] },
} as const;

/** The family a server and its programs belong to; their dumps and logs are read by their own family only. */
export type Family = 'mariadb' | 'mysql';

const HOW_TO_GET = { mariadb: 'apt-get install mariadb-client', mysql: "the mysql-community-client of MySQL's own packages" };

/** A server that hangs greets nobody. */
const CONNECT_SECONDS_MAX = 10;

/**
 * Starts the programs of a MySQL or MariaDB server for one database. User and password reach them in files that only we
 * can read, which exist while `within` runs, and how the connection is protected with them.
 */
export class MysqlClient {
  private readonly address: ServerAddress;

  private constructor(
    private readonly config: DatabaseConfig,
    private readonly directory: string,
    private readonly environment: ProgramEnvironment,
  ) {
    this.address = addressOf(config.location);
  }

  /**
   * Hands a client to `work`, and removes the password's files after it. Throws BackupError where the server cannot be
   * asked, or the connection is not encrypted though it has to be.
   */
  static async within<T>(config: DatabaseConfig, environment: ProgramEnvironment, work: (client: MysqlClient) => Promise<T>): Promise<T> {
    return inDirectory(async (directory) => {
      const client = new MysqlClient(config, directory, environment);
      for (const family of ['mariadb', 'mysql'] as const)
        await writeFile(client.optionFile(family), client.options(family), { mode: 0o600 });
      await client.assertEncrypted();
      return await work(client);
    }, 'billing-login-');
  }

  get database(): string {
    return this.address.database;
  }

  /** Which server it asks, as `host:port`. */
  get where(): string {
    return serverName(this.config.location);
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
    // MariaDB's programs have the names of MySQL's too.
    const made = path.basename(await realpath(program)).startsWith('mariadb') ? 'mariadb' : 'mysql';
    return { program, args: [`--defaults-file=${this.optionFile(made)}`, ...args], environment: this.programEnvironment };
  }

  /** MariaDB's programs fall back to plain text where the server has no TLS and its name is not verified. */
  private async assertEncrypted(): Promise<void> {
    const { tls } = this.config;
    if (tls === null || tls.mode === 'DISABLED') return;
    const [[, cipher = ''] = []] = await this.query("show session status like 'Ssl_cipher'", null);
    if (cipher === '') throw new BackupError(`The server offers no TLS, and ssl-mode=${tls.mode} demands it: switch it on there.`);
  }

  private optionFile(family: Family): string {
    return path.join(this.directory, `${family}.cnf`);
  }

  /** The same without logging in: for programs that read files. */
  get programEnvironment(): ProgramEnvironment {
    const { PATH = '' } = this.environment;
    // Moments are given and read in UTC.
    return { PATH, TZ: 'UTC', LC_ALL: 'C' };
  }

  private options(family: Family): string {
    const { host, port, user, password } = this.address;
    const lines = [
      '[client]',
      `host=${host}`,
      `port=${port}`,
      'protocol=tcp',
      `user=${quoted(user)}`,
      `password=${quoted(password)}`,
      ...tlsOptions(this.config.tls, family),
      // The group of the client that sends statements; other programs do not know these options.
      '[mysql]',
      `connect-timeout=${CONNECT_SECONDS_MAX}`,
      `init-command="${SESSION_SETTINGS}"`,
    ];
    return `${lines.join('\n')}\n`;
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Nothing where nobody said anything. MariaDB's programs verify the name with the authority, or neither. */
function tlsOptions(tls: DatabaseTls | null, family: Family): string[] {
  if (tls === null) return [];
  const files = [tls.ca && `ssl-ca=${quoted(tls.ca)}`, tls.cert && `ssl-cert=${quoted(tls.cert)}`, tls.key && `ssl-key=${quoted(tls.key)}`];
  const given = files.filter((line) => line !== null);
  if (tls.mode === 'DISABLED') return family === 'mysql' ? ['ssl-mode=DISABLED', 'get-server-public-key=1'] : ['skip-ssl'];
  if (family === 'mysql') return [`ssl-mode=${tls.mode}`, ...given];
  return ['ssl=1', ...(tls.mode === 'REQUIRED' ? ['skip-ssl-verify-server-cert'] : ['ssl-verify-server-cert=1']), ...given];
}
