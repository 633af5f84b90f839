import type { ErasedCustomer } from './erasures.js';
import type { Manifest, Tables } from './manifest.js';

/** What a full backup says of itself before the binary logs are added. */
export type DumpFacts = Omit<Manifest, 'format' | 'kind' | 'head' | 'logs' | 'logBytes'>;

/** The name of the dump inside a snapshot. */
export const DUMP = { mysql: 'dump.sql', embedded: 'billing.db' } as const;

/** A database that is backed up, or restored to. */
export interface Store {
  readonly engine: Manifest['engine'];
  /** What time it is there: backups are of the database's time, whatever the machine that takes them thinks. */
  now(): Promise<Date>;
  /**
   * The same, once all that was committed before it is there, on whatever node of a cluster. Throws BackupError for a
   * node that its cluster does not count on.
   */
  caughtUpAt(): Promise<Date>;
  /** Its tables and views; none for one that is empty or does not exist yet. Throws if it cannot be reached. */
  tables(): Promise<readonly string[]>;
  /** Writes one consistent snapshot into a directory while others go on writing. */
  dumpInto(directory: string): Promise<DumpFacts>;
  /** Customers who were deleted: all, or those of the last weeks. */
  erased(which: 'all' | 'lately'): Promise<readonly ErasedCustomer[]>;
  /** Counts and hashes of a dump that lies in a directory. */
  contentsOfDump(directory: string): Promise<Tables>;
  /** Removes every table and view. */
  clear(): Promise<void>;
  /** Makes the database if it is missing, and fills it from the dump in a directory. */
  load(directory: string): Promise<void>;
  /** Counts and hashes of what is in it now. */
  contents(): Promise<Tables>;
  /** Removes the database itself. */
  drop(): Promise<void>;
}
