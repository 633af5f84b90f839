import { createHash } from 'node:crypto';
import type { KeyRecord } from './records.js';
import type { Store } from './store.js';

/** As what a key is kept: who reads the state file cannot use it. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** A key as it is kept. */
export function keyRecord(key: string, of: Omit<KeyRecord, 'id' | 'hint'>): KeyRecord {
  return { ...of, id: hashOfKey(key), hint: `${key.slice(0, 3)}…${key.slice(-4)}` };
}

/** Hashes the keys that an earlier version kept in clear; false if there were none. Within a transaction. */
export function hashKeptKeys(store: Store): boolean {
  const clear = store.keys.records().filter((key) => key.hint === undefined);
  for (const { id, ...of } of clear) {
    store.keys.delete(id);
    store.keys.put(keyRecord(id, of));
  }
  return clear.length > 0;
}
