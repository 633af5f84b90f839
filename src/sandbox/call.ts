import type { TilledList } from '../tilled/tilled.shapes.js';
import { isoTime } from './clock.js';
import type { Collection, Keyed } from './collection.js';
import type { Engine } from './engine.js';
import { notFound } from './http-error.js';
import type { Query } from './query.js';
import type { AccountRecord } from './records.js';

/** One authenticated request, as a handler sees it. `id` is the id in the path, or ''. */
export interface Call {
  engine: Engine;
  account: AccountRecord;
  id: string;
  query: Query;
  body: unknown;
}

/** What a write does once decided, whatever other calls changed meanwhile. Gives the body of the answer. */
export type Effect = () => unknown;

/** One operation of the API. Without an area it needs no key at all. */
export type Route = RouteFacts & (Handled | Begun);

interface RouteFacts {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  status: number;
  /** The scope of keys it belongs to, as in `customers:read`. */
  area?: string;
  /** Whether a publishable key may call it. */
  isPublishable?: true;
}

interface Handled {
  /** Gives the body of the answer; undefined is an empty one. Throws HttpError to refuse and undo its changes. */
  handle: (call: Call) => unknown;
}

/** An operation in two steps, which may lie apart: see WritesUnderWay. */
interface Begun {
  /** Decides by the state of now what the effect will be. Throws HttpError to refuse. */
  begin: (call: Call) => Effect;
}

/** A record as it is now; one that was deleted meanwhile, as it was. */
export function latest<T extends Keyed>(collection: Collection<T>, record: T): T {
  return collection.get(record.id) ?? record;
}

/** The record the path names, when it is the account's. Throws a 404. */
export function recordOf<T extends Keyed>(call: Call, collection: Collection<T>, noun: string): T {
  return ownRecord({ collection, accountId: call.account.id, id: call.id, noun });
}

/** A record of an account by id. Throws a 404, also when it is another account's. */
export function ownRecord<T extends Keyed>(input: { collection: Collection<T>; accountId: string; id: string; noun: string }): T {
  const record = input.collection.get(input.id);
  if (record === undefined || record.account_id !== input.accountId) throw notFound(input.noun, input.id);
  return record;
}

type Listed = Keyed & { created_at: string };

/** What a list shows: records under all keys that pass the test, rendered. */
export interface Listing<T extends Listed> {
  collection: Collection<T>;
  keys?: string[];
  where?: (record: T) => boolean;
  render: (record: T) => unknown;
}

/** One page of a list, newest first, in Tilled's envelope, with metadata filters, connected accounts and the lag. */
export function listPage<T extends Listed>(call: Call, listing: Listing<T>): TilledList<unknown> {
  const { offset, limit } = call.query.page();
  const keys = [...(listing.keys ?? []), ...call.query.metadataKeys()];
  const where = withoutTheNew(call.engine, listing.where);
  const accountIds = listedAccountIds(call);
  const found = accountIds.map((accountId) => listing.collection.find([`account_id=${accountId}`, ...keys]));
  const entries = found.length === 1 ? (found[0] ?? []) : found.flat().sort((one, other) => one.seq - other.seq);
  const matching = where === undefined ? entries : entries.filter((entry) => where(entry.record));
  const total = matching.length;
  const items = matching
    .slice(Math.max(0, total - offset - limit), Math.max(0, total - offset))
    .reverse()
    .map((entry) => listing.render(entry.record));
  return { items, has_more: offset + items.length < total, limit, offset, total };
}

/** The test, and what is younger than lists may show today fails it too. */
function withoutTheNew<T extends Listed>(
  engine: Engine,
  where: ((record: T) => boolean) | undefined,
): ((record: T) => boolean) | undefined {
  if (engine.listLagMs === 0) return where;
  const newest = isoTime(engine.clock.now() - engine.listLagMs);
  return (record) => record.created_at <= newest && (where?.(record) ?? true);
}

/** A test of the date filters created_at_gte and created_at_lte, both inclusive; undefined when neither is given. */
export function createdWithin(call: Call): ((record: { created_at: string }) => boolean) | undefined {
  const fromMs = call.query.timeMs('created_at_gte');
  const untilMs = call.query.timeMs('created_at_lte');
  if (fromMs === undefined && untilMs === undefined) return undefined;
  // Times are all written alike, so that their texts compare as the times do, without parsing each.
  const from = fromMs === undefined ? '' : isoTime(fromMs);
  const until = untilMs === undefined ? '9999' : isoTime(untilMs);
  return ({ created_at: createdAt }) => createdAt >= from && createdAt <= until;
}

function listedAccountIds(call: Call): string[] {
  if (!call.query.boolean('include_connected_accounts')) return [call.account.id];
  const connected = call.engine.store.accounts.records([`partner_id=${call.account.id}`]);
  return [call.account.id, ...connected.map((account) => account.id)];
}
