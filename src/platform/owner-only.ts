import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';

/** SQLite keeps what is not in the database file yet in these, with the rights the file has when they are made. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Makes a file that nobody but its owner may read or write, empty if it is not there yet; what an earlier version left
 * more open is closed. Throws what the file system says, for one with the file of somebody else.
 */
export function ownerOnly(file: string): void {
  if (file === ':memory:') return;
  closeSync(openSync(file, 'a', 0o600));
  for (const name of [file, ...COMPANIONS.map((suffix) => file + suffix)]) if (existsSync(name)) chmodSync(name, 0o600);
}
