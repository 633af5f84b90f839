import { randomFillSync } from 'node:crypto';
import { encodeTime, monotonicFactory } from 'ulid';
import type { Clock } from './clock.js';

/** The prefixes of public ids; the part after it is opaque. */
export type IdPrefix =
  | ('cus' | 'pm' | 'sub' | 'pay' | 're' | 'dp' | 'dv' | 'rec' | 'whe' | 'evt' | 'ev' | 'we' | 'wd' | 'key' | 'whsec')
  | ('job' | 'bkp' | 'imp' | 'imi' | 'att');

/**
 * Makes ids such as `pay_01k…`: a prefix and a lower-case ULID. They sort by creation (to the millisecond between
 * processes, strictly within one), so the primary key (app_id, id) is also the order of every list.
 */
export class Ids {
  private readonly next = monotonicFactory(drawing());

  constructor(private readonly clock: Clock) {}

  /** A new id; never the same twice. */
  make(prefix: IdPrefix): string {
    return `${prefix}_${this.next(this.clock.now().getTime()).toLowerCase()}`;
  }
}

/** Random numbers of a byte each, from 0 to below 1, for digits of ids. Fetched in bulk, since each fetch costs. */
function drawing(): () => number {
  const bytes = Buffer.alloc(4096);
  let drawn = bytes.length;
  return () => {
    if (drawn === bytes.length) drawn = 0;
    if (drawn === 0) randomFillSync(bytes);
    return bytes.readUInt8(drawn++) / 256;
  };
}

/** The smallest id that can be made at a moment: ids sort by it, so a range of ids is a range of time. */
export function firstIdAt(prefix: IdPrefix, moment: Date): string {
  return `${prefix}_${encodeTime(Math.max(0, moment.getTime()), 10).toLowerCase()}${'0'.repeat(16)}`;
}
