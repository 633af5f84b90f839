import type { DatabaseConfig } from '../config.js';
import { BinaryLogs } from './binlog.js';
import { EmbeddedStore } from './embedded.store.js';
import { MysqlClient } from './mysql.client.js';
import { MysqlStore } from './mysql.store.js';
import type { ProgramEnvironment } from './programs.js';
import type { Store } from './store.js';

/** A database, with the binary logs of its server. */
export interface Opened {
  readonly store: Store;
  /** Null for the embedded database. */
  readonly logs: BinaryLogs | null;
  /** Whether the server writes binary logs now: without them there is no point in time to go back to. */
  readonly keepsLogs: boolean;
  /** Whether they hold rows, so that what a restore brings back can be counted. */
  readonly logsRows: boolean;
}

/** Hands the database that `config` names to `work`. */
export async function withStore<T>(
  config: DatabaseConfig,
  environment: ProgramEnvironment,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  if (config.kind === 'embedded') return work({ store: new EmbeddedStore(config.location), logs: null, keepsLogs: false, logsRows: false });
  return MysqlClient.within(config, environment, async (client) => {
    const store = new MysqlStore(client);
    return work({ store, logs: new BinaryLogs(client, store), keepsLogs: await store.hasLogs(), logsRows: await store.logsRows() });
  });
}
