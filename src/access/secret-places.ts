import type { SecretPlace } from '../platform/vault.js';

/** A column whose texts are sealed. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The column that says which app a row is of. */
  readonly app: string;
}

export const SESSION_SECRET: SealedColumn = { table: 'billing_apps', column: 'session_secret_sealed', app: 'id' };
export const TILLED_SECRET_KEY: SealedColumn = { table: 'billing_apps', column: 'tilled_secret_key_sealed', app: 'id' };
export const WEBHOOK_SECRET: SealedColumn = { table: 'billing_webhook_secrets', column: 'secret', app: 'app_id' };
export const ENDPOINT_SECRET: SealedColumn = { table: 'billing_webhook_endpoints', column: 'secret_sealed', app: 'app_id' };
export const PREVIOUS_ENDPOINT_SECRET: SealedColumn = {
  table: 'billing_webhook_endpoints',
  column: 'previous_secret_sealed',
  app: 'app_id',
};
export const FORGOTTEN_PERSON: SealedColumn = { table: 'billing_erasures', column: 'person_sealed', app: 'app_id' };

/** Every one of them: what rotation seals again, and what must be readable at the start. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  ...[SESSION_SECRET, TILLED_SECRET_KEY, WEBHOOK_SECRET, FORGOTTEN_PERSON],
  ...[ENDPOINT_SECRET, PREVIOUS_ENDPOINT_SECRET],
];

/** A sealed text is bound to its app, column and row: copied elsewhere it does not open. */
export function placeOf({ table, column }: SealedColumn, appId: string, id: string): SecretPlace {
  return [appId, `${table}.${column}`, id];
}
