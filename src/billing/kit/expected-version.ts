import { StaleVersion } from '../../platform/errors.js';

/** Throws StaleVersion when the caller decided on an older row. */
export function assertVersion(row: { readonly version: number }, expectedVersion: number | null | undefined): void {
  if (typeof expectedVersion === 'number' && expectedVersion !== row.version) throw new StaleVersion(expectedVersion, row.version);
}
