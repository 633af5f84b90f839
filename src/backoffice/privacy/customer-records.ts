import { inParts, places, ROWS_AT_ONCE } from '../../platform/db/sql.js';
import type { RawRow } from '../../platform/db/table.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { ROUTE } from '../../webhooks/webhook.inbox.js';

/** Everything of a customer that has rows of its own, by table; each has a customer_id but the customer. */
export const CUSTOMER_TABLES = [
  'billing_customers',
  'billing_payment_methods',
  'billing_subscriptions',
  'billing_payments',
  'billing_refunds',
  'billing_disputes',
] as const;

/** Rows of one customer, by table, as they are stored. */
export type CustomerRows = Record<(typeof CUSTOMER_TABLES)[number], RawRow[]>;

/** Ids as Tilled and we write them. */
const ID = /\b[a-z]{2,5}_[A-Za-z0-9]{6,}/g;

/** All rows that are about a customer, oldest first. */
export async function rowsOfCustomer(scope: Scope, customerId: string): Promise<CustomerRows> {
  const entries: [string, RawRow[]][] = [];
  for (const table of CUSTOMER_TABLES) {
    const column = table === 'billing_customers' ? 'id' : 'customer_id';
    const sql = `select * from ${table} where app_id = ? and ${column} = ? order by id`;
    entries.push([table, await scope.db.query(sql, [scope.appId, customerId])]);
  }
  return Object.fromEntries(entries) as CustomerRows;
}

/** The ids under which rows are known, ours and Tilled's: what events, jobs and keys refer to. */
export function idsOf(rows: readonly RawRow[]): string[] {
  return rows.flatMap((row) =>
    Object.entries(row)
      .filter(([column, value]) => (column === 'id' || /^tilled_\w*id$/.test(column)) && typeof value === 'string')
      .map(([, value]) => String(value)),
  );
}

/** Rows of a table whose column is one of the values, oldest first. */
export async function rowsBy(scope: Scope, table: string, column: string, values: readonly string[]): Promise<RawRow[]> {
  const rows: RawRow[] = [];
  for (const part of inParts(values)) {
    const sql = `select * from ${table} where app_id = ? and ${column} in (${places(part)}) order by id`;
    rows.push(...(await scope.db.query(sql, [scope.appId, ...part])));
  }
  return rows;
}

/** Which rows of a table are looked through, and which of them are wanted. */
interface Search {
  readonly table: string;
  /** A condition without values. */
  readonly where: string;
  readonly isKept: (row: RawRow) => boolean;
}

/** The rows of a table that are wanted, oldest first. Any number is looked through, a part at a time. */
export async function rowsWhere(scope: Scope, { table, where, isKept }: Search): Promise<RawRow[]> {
  const kept: RawRow[] = [];
  const sql = `select * from ${table} where app_id = ? and id > ? and ${where} order by id limit ${ROWS_AT_ONCE}`;
  for (let afterId: string | undefined = ''; afterId !== undefined; ) {
    const part: RawRow[] = await scope.db.query(sql, [scope.appId, afterId]);
    kept.push(...part.filter(isKept));
    afterId = part.length < ROWS_AT_ONCE ? undefined : String(part.at(-1)?.['id']);
  }
  return kept;
}

/** What was written down about objects beside their rows: their transitions, events, facts of events, work and keys. */
export async function tracesOf(scope: Scope, ids: readonly string[]) {
  return {
    billing_events: await rowsBy(scope, 'billing_events', 'object_id', ids),
    billing_app_events: await rowsBy(scope, 'billing_app_events', 'object_id', ids),
    billing_webhooks: await rowsBy(scope, 'billing_webhooks', 'object_id', ids),
    billing_webhook_facts: await rowsBy(scope, 'billing_webhook_facts', 'object_id', ids),
    billing_jobs: await jobsAbout(scope, ids),
    billing_divergences: await divergencesAbout(scope, ids),
    billing_idempotency_keys: await rowsBy(scope, 'billing_idempotency_keys', 'resource_id', ids),
  };
}

/** Work on objects, and events that wait for their app to be found and name one of them anywhere. */
export async function jobsAbout(scope: Scope, ids: readonly string[]): Promise<RawRow[]> {
  const known = new Set(ids);
  const named = (row: RawRow) => namesOne(String(row['payload']), known);
  const waiting = await rowsWhere(scope, { table: 'billing_jobs', where: `kind = '${ROUTE}'`, isKept: named });
  return [...(await rowsBy(scope, 'billing_jobs', 'subject', ids)), ...waiting];
}

/** Differences about objects; one that we have no row of is known by Tilled's id only. */
export async function divergencesAbout(scope: Scope, ids: readonly string[]): Promise<RawRow[]> {
  const ours = await rowsBy(scope, 'billing_divergences', 'object_id', ids);
  const theirs = await rowsBy(scope, 'billing_divergences', 'tilled_id', ids);
  return [...ours, ...theirs.filter((row) => !ours.some(({ id }) => id === row['id']))];
}

/** Whether a text names one of the ids. */
export function namesOne(text: string, ids: ReadonlySet<string>): boolean {
  return (text.match(ID) ?? []).some((id) => ids.has(id));
}

/** A stored row for reading: JSON columns as values, moments in ISO 8601. */
export function readable(row: RawRow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, readableValue(column, value)]));
}

function readableValue(column: string, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (column.endsWith('_at')) return momentOf(value);
  if (typeof value === 'bigint') return Number(value);
  if (!['metadata', 'payload', 'errors', 'details', 'fields', 'ours', 'theirs'].includes(column)) return value;
  try {
    return JSON.parse(String(value));
  } catch {
    return value;
  }
}

/** MySQL hands out text in UTC, the embedded database keeps epoch milliseconds. */
function momentOf(value: unknown): string {
  const moment = typeof value === 'string' ? new Date(`${value.replace(' ', 'T')}Z`) : new Date(Number(value));
  return moment.toISOString();
}
