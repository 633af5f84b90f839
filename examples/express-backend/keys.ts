import { DatabaseSync } from 'node:sqlite';
import type { KeyStorage } from '@billing-gateway/client';

/**
 * Keys of intents in a file, so that they outlive the process: an order that was being paid when it ended is paid once.
 */
export function keysIn(file: string): KeyStorage {
  const database = new DatabaseSync(file);
  database.exec('create table if not exists billing_keys (name text primary key, value text not null)');
  const insert = database.prepare('insert or ignore into billing_keys (name, value) values (?, ?)');
  const read = database.prepare('select value from billing_keys where name = ?');
  const remove = database.prepare('delete from billing_keys where name = ? and value = ?');
  return {
    keep: (name, value) => {
      insert.run(name, value);
      return String(read.get(name)?.['value']);
    },
    forget: (name, value) => void remove.run(name, value),
  };
}
