import type { DatabaseConfig } from '../config.js';
import { BinaryLogs } from './binlog.js';
import { EmbeddedStore } from './embedded.store.js';
import { MysqlClient } from './mysql.client.js';
import { MysqlStore } from './mysql.store.js';
import type { ProgramEnvironment } from './programs.js';
import { eachServer, firstServing } from './servers.js';
import type { Store } from './store.js';

/** A database, with the binary logs of its server. */
export interface Opened {
  readonly store: Store;
  /** Which server it is on, `host:port`; the file of the embedded database. */
  readonly where: string;
  /** Null for the embedded database. */
  readonly logs: BinaryLogs | null;
  /** Whether the server writes binary logs now: without them there is no point in time to go back to. */
  readonly keepsLogs: boolean;
  /** Whether they hold rows, so that what a restore brings back can be counted. */
  readonly logsRows: boolean;
  /** Whether they have all that was committed after the machine failed, too. */
  readonly isDurable: boolean;
}

/**
 * Hands the database that `config` names to `work`; of several servers the first that can be used. Throws BackupError
 * where none can.
 */
export async function withStore<T>(
  config: DatabaseConfig,
  environment: ProgramEnvironment,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  if (config.kind === 'embedded') {
    const none = { logs: null, keepsLogs: false, logsRows: false, isDurable: true };
    return work({ store: new EmbeddedStore(config.location), where: config.location, ...none });
  }
  const { server } = await firstServing(eachServer(config), environment);
  return MysqlClient.within(server, environment, async (client) => {
    const store = new MysqlStore(client);
    const [keepsLogs, logsRows, isDurable] = [await store.hasLogs(), await store.logsRows(), await store.isDurable()];
    return work({ store, where: client.where, logs: new BinaryLogs(client, store), keepsLogs, logsRows, isDurable });
  });
}
