import { CursorRepository } from '../platform/cursors.js';
import { places } from '../platform/db/sql.js';
import { InvalidInput } from '../platform/errors.js';
import { listTag } from '../platform/tenancy/page.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { AppEvent } from './app-event.entity.js';
import { EVENT_TYPES, type EventTypeName } from './event.catalogue.js';
import { FEED } from './event.publisher.js';

/** Which part of the feed is asked for. */
export interface FeedRequest {
  /** From 1 to 100. */
  readonly first: number;
  readonly after: string | null;
  readonly objectId: string | null;
  readonly types: readonly EventTypeName[];
}

/** A part of the feed, oldest first. */
export interface FeedPage {
  readonly rows: readonly AppEvent[];
  readonly hasNextPage: boolean;
  readonly cursorOf: (event: AppEvent) => string;
}

/** A place in a feed: right behind this event. */
interface Place {
  readonly position: number;
  readonly id: string;
}

const PAGE_MAX = 100;
const CURSOR = /^f1:([\w-]{16}):(\d{1,15}):(ev_[0-9a-z]{26})$/;

/**
 * What was published, in the order of its places. Places are committed in their order, so what comes after a cursor is
 * all that its reader has not seen, whenever it was committed. A cursor names its event as well: where that is not at
 * its place any more, because retention removed it or another database was restored, the reader is told.
 */
export class EventFeed {
  constructor(private readonly scope: Scope) {}

  /** Throws InvalidInput for a size or cursor that is none, and for a cursor behind which events are missing. */
  async page(request: FeedRequest): Promise<FeedPage> {
    const { first, after } = request;
    if (!Number.isInteger(first) || first < 1 || first > PAGE_MAX)
      throw InvalidInput.because(['first'], `first must be from 1 to ${PAGE_MAX}.`);
    const tag = listTag([this.scope.appId, 'feed', request.objectId, isEverything(request) ? null : request.types]);
    const place = after === null ? null : placeOf(after, tag);
    const read = await this.readBehind(request, place);
    const rows = place === null ? read : read.slice(1);
    return {
      rows: rows.slice(0, first),
      hasNextPage: rows.length > first,
      cursorOf: ({ position, id }) => Buffer.from(`f1:${tag}:${position}:${id}`).toString('base64url'),
    };
  }

  private async readBehind(request: FeedRequest, place: Place | null): Promise<AppEvent[]> {
    const isThere = (rows: readonly AppEvent[]) => place === null || rows[0]?.id === place.id;
    const read = await this.read(request, place);
    if (place === null || isThere(read)) return read;
    // A replica may be older than the cursor.
    this.scope.db.readPrimary();
    const again = await this.read(request, place);
    if (!isThere(again)) throw await this.lost(place);
    return again;
  }

  /** One event more than is shown, and before them the one of the cursor. */
  private async read(request: FeedRequest, place: Place | null): Promise<AppEvent[]> {
    const { db, appId } = this.scope;
    const table = db.table(AppEvent);
    const { objectId, types, first } = request;
    const conditions = [
      { sql: 'app_id = ?', parameters: [appId] },
      { sql: 'position >= ?', parameters: [place?.position ?? 1] },
      ...(objectId === null ? [] : [{ sql: 'object_id = ?', parameters: [objectId] }]),
      ...(isEverything(request) ? [] : [{ sql: types.length === 0 ? '1 = 0' : `type in (${places(types)})`, parameters: types }]),
    ];
    const where = conditions.map(({ sql }) => sql).join(' and ');
    const raws = await db.query(
      `select ${table.selectList} from ${table.name} where ${where} order by position limit ${first + (place === null ? 1 : 2)}`,
      conditions.flatMap(({ parameters }): readonly unknown[] => parameters),
    );
    return raws.map((raw) => table.fromRaw(raw));
  }

  private async lost({ position }: Place): Promise<InvalidInput> {
    const counter = await CursorRepository.of(this.scope).find(FEED);
    const isAhead = Number(counter?.position ?? 0) < position;
    const why = isAhead ? 'is ahead of the feed: the database was put back' : 'is older than the events that are kept';
    return InvalidInput.because(['after'], `after ${why}. Begin without after, and read the objects themselves.`);
  }
}

function isEverything({ types }: FeedRequest): boolean {
  return types.length === Object.keys(EVENT_TYPES).length;
}

function placeOf(cursor: string, tag: string): Place {
  const [, ofList, position, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (ofList === undefined || id === undefined)
    throw InvalidInput.because(['after'], 'after is not a cursor: use endCursor of an earlier page.');
  if (ofList !== tag) throw InvalidInput.because(['after'], 'after is a cursor of another list, or of this one with other filters.');
  return { position: Number(position), id };
}
