import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { applyGrants } from './documented-users.js';
import { KillableDatabase } from './killable-database.js';

/** Whom the gateway logs in as: not one who may write where a server is read-only, as root may. */
const [USER, PASSWORD] = ['billing_of_failover', 'of-a-failover'];
const CAUGHT_UP_SECONDS_MAX = 30;
const REPLICA_ID = 2;

/** Two servers, one of which has what was committed on the other as soon as it has caught up. */
export class PrimaryAndReplica {
  private constructor(
    readonly primary: KillableDatabase,
    readonly replica: KillableDatabase,
    readonly onPrimary: mysql.Connection,
    public onReplica: mysql.Connection,
  ) {}

  /** Null where no server is installed. */
  static async create(): Promise<PrimaryAndReplica | null> {
    const primary = await KillableDatabase.create({ keepsLogs: true });
    // What it has done is known after it was killed, too.
    const replica = await KillableDatabase.create({ settings: [`--server-id=${REPLICA_ID}`, '--relay-log-recovery=1'] });
    if (primary === null || replica === null) return null;
    const [onPrimary, onReplica] = await Promise.all([mysql.createConnection(primary.url), mysql.createConnection(replica.url)]);
    const pair = new PrimaryAndReplica(primary, replica, onPrimary, onReplica);
    await pair.replicate();
    await onPrimary.query(`create user '${USER}'@'127.0.0.1' identified by '${PASSWORD}'`);
    await onPrimary.query(`grant all privileges on billing_db.* to '${USER}'@'127.0.0.1'`);
    await pair.caughtUp();
    return pair;
  }

  /** The address of a server for the gateway. */
  urlOf(server: KillableDatabase): string {
    const url = new URL(server.url);
    [url.username, url.password] = [USER, PASSWORD];
    return url.toString();
  }

  /** The address of a server for who only reads: the user of ops/grants/billing_replica.sql. */
  async readingUrlOf(server: KillableDatabase): Promise<string> {
    const named = (name: string) => `'${name}'@'127.0.0.1'`;
    await this.onPrimary.query(`create user if not exists ${named('billing_replica')} identified by '${PASSWORD}'`);
    await applyGrants('billing_replica.sql', this.onPrimary, () => named('billing_replica'));
    await this.caughtUp();
    const url = new URL(server.url);
    [url.username, url.password] = ['billing_replica', PASSWORD];
    return url.toString();
  }

  /** The replica goes on fetching what is committed on the primary, and does nothing with it. */
  async stopApplying(): Promise<void> {
    await this.onReplica.query((await this.isMysql()) ? 'stop replica sql_thread' : 'stop slave sql_thread');
  }

  /** It does what has come meanwhile, and goes on. */
  async startApplying(): Promise<void> {
    await this.onReplica.query((await this.isMysql()) ? 'start replica sql_thread' : 'start slave sql_thread');
  }

  /** Starts the replica again after it was killed; it follows the primary from where it was. */
  async restartReplica(): Promise<void> {
    await this.replica.start();
    this.onReplica.destroy();
    this.onReplica = await mysql.createConnection(this.replica.url);
    await this.onReplica.query('set global read_only = 1');
    await this.onReplica.query((await this.isMysql()) ? 'start replica' : 'start slave');
  }

  /** The primary takes no writes any more, but keeps its connections. Resolves when the last COMMIT is over. */
  async demote(): Promise<void> {
    await this.onPrimary.query('set global read_only = 1');
  }

  /** The replica takes writes, with all that was committed on the primary. */
  async promote(): Promise<void> {
    await this.caughtUp();
    await this.onReplica.query((await this.isMysql()) ? 'stop replica' : 'stop slave');
    await this.onReplica.query('set global read_only = 0');
  }

  async close(): Promise<void> {
    // One whose server was killed would never end.
    for (const connection of [this.onPrimary, this.onReplica]) connection.destroy();
    await Promise.all([this.primary.close(), this.replica.close()]);
  }

  private async replicate(): Promise<void> {
    const { hostname, port, password } = new URL(this.primary.url);
    const { file, position } = await this.position();
    const isMysql = await this.isMysql();
    const word = isMysql ? 'source' : 'master';
    const to = [
      `${word}_host = '${hostname}', ${word}_port = ${port}, ${word}_user = 'root', ${word}_password = '${password}'`,
      isMysql ? `source_log_file = '${file}', source_log_pos = ${position}, get_source_public_key = 1` : 'master_use_gtid = slave_pos',
    ].join(', ');
    if (!isMysql) {
      const [[row]] = await this.onPrimary.query<mysql.RowDataPacket[]>('select binlog_gtid_pos(?, ?) as gtid', [file, position]);
      await this.onReplica.query('set global gtid_slave_pos = ?', [row?.['gtid']]);
    }
    await this.onReplica.query(isMysql ? `change replication source to ${to}` : `change master to ${to}`);
    await this.onReplica.query('set global read_only = 1');
    await this.onReplica.query(isMysql ? 'start replica' : 'start slave');
  }

  private async caughtUp(): Promise<void> {
    const { file, position } = await this.position();
    const wait = (await this.isMysql()) ? 'source_pos_wait' : 'master_pos_wait';
    const [[row]] = await this.onReplica.query<mysql.RowDataPacket[]>(`select ${wait}(?, ?, ?) as events`, [
      file,
      position,
      CAUGHT_UP_SECONDS_MAX,
    ]);
    if (row?.['events'] === null || Number(row?.['events']) < 0) throw new Error('The replica did not catch up.');
    // What has arrived is applied; the last COMMIT may be about to be seen.
    await sleep(50);
  }

  private async position(): Promise<{ readonly file: string; readonly position: number }> {
    const sql = (await this.isMysql()) ? 'show binary log status' : 'show master status';
    const [[row]] = await this.onPrimary.query<mysql.RowDataPacket[]>(sql);
    return { file: String(row?.['File']), position: Number(row?.['Position']) };
  }

  private async isMysql(): Promise<boolean> {
    const [[row]] = await this.onReplica.query<mysql.RowDataPacket[]>('select version() as version');
    return !String(row?.['version']).includes('MariaDB');
  }
}
