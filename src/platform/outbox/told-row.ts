import { IntColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/**
 * A row whose changes an app is told. Whoever changes it holds its lock, so the number of its events goes with the
 * same UPDATE: it costs no statement and has no gaps.
 */
export abstract class ToldRow extends TenantRow {
  /** How many events of it were written; the trail of events counts, nobody else. */
  @IntColumn({ before: 0 })
  eventSequence!: number;
}
