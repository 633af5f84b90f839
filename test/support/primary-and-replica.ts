import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
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
    private readonly onPrimary: mysql.Connection,
    readonly onReplica: mysql.Connection,
  ) {}

  /** Null where no server is installed. */
  static async create(): Promise<PrimaryAndReplica | null> {
    const primary = await KillableDatabase.create({ keepsLogs: true });
    const replica = await KillableDatabase.create();
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
      `${word}_log_file = '${file}', ${word}_log_pos = ${position}${isMysql ? ', get_source_public_key = 1' : ''}`,
    ].join(', ');
    await this.onReplica.query(`set global server_id = ${REPLICA_ID}`);
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
