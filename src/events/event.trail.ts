import { type ChangeSet, ChangeSetType, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import type { GraphQLSchema } from 'graphql';
import { recordAppEvent } from '../platform/outbox/app-events.js';
import { sourceOf } from '../platform/outbox/audit-trail.js';
import type { EventSource, PendingAppEvent } from '../platform/outbox/outbox.js';
import type { ToldRow } from '../platform/outbox/told-row.js';
import { EVENT_TYPES, type EventTypeName } from './event.catalogue.js';
import { Snapshots } from './snapshots.js';
import type { RowBefore, Told } from './told.js';

/** One change of a row as it is flushed. */
interface Change {
  readonly set: ChangeSet<ToldRow>;
  readonly row: ToldRow;
  /** Null for a new row. */
  readonly before: RowBefore<ToldRow> | null;
}

/**
 * Tells the app of every change of its objects that the API shows, in the transaction that makes it, whoever makes it:
 * no code can forget to. The number of an event goes with the change itself, under the row's lock.
 */
export class EventTrail implements EventSubscriber {
  private snapshots: Snapshots | null = null;

  /** @param told by the name of the entity's class */
  constructor(private readonly told: Readonly<Record<string, Told>>) {}

  /** How objects look in the API. Until it is known nothing can be told, so nothing that is told may be changed. */
  learn(schema: GraphQLSchema): void {
    this.snapshots = new Snapshots(schema, [...new Set(Object.values(EVENT_TYPES).map(({ object }) => object))]);
  }

  /** The object as the API shows it; for events of rows that the unit of work does not manage. */
  snapshotOf(object: string, row: object): object {
    return this.known().of(object, row);
  }

  onFlush(flush: FlushEventArgs): void {
    const source = sourceOf(flush.em);
    for (const set of flush.uow.getChangeSets() as unknown as ChangeSet<ToldRow>[]) {
      const how = this.told[set.meta.className];
      if (how === undefined || source === undefined) continue;
      this.tell(source, { set, row: set.entity, before: beforeOf(set) }, how);
    }
  }

  private tell(source: EventSource, change: Change, how: Told): void {
    const { set, row } = change;
    const mine = source.db.pendingAppEvents().filter(({ objectId }) => objectId === row.id);
    const types = this.typesOf(change, how, mine);
    const first = (set.type === ChangeSetType.CREATE ? 0 : row.eventSequence) + 1;
    for (const [index, type] of types.entries())
      recordAppEvent(source, {
        ...{ type, objectId: row.id, sequence: first + index, personId: how.personOf(row) },
        payload: () => this.snapshotOf(how.object, row),
      });
    const eventSequence = first - 1 + types.length;
    row.eventSequence = eventSequence;
    if (types.length > 0 || set.type === ChangeSetType.CREATE) Object.assign(set.payload, { eventSequence });
  }

  private typesOf({ set, row, before }: Change, how: Told, mine: readonly PendingAppEvent[]): readonly EventTypeName[] {
    const wasTold = before !== null && (before.eventSequence > 0 || how.stands(before));
    if (set.type === ChangeSetType.DELETE) return wasTold && how.removed !== null ? [how.removed] : [];
    if (!wasTold) return how.stands(row) ? how.changes(null, row) : [];
    const types = how.changes(before, row).filter((type) => mine.every((told) => told.type !== type));
    if (types.length > 0 || mine.length > 0 || how.otherwise === null) return types;
    return this.known().shows(how.object, Object.keys(set.payload)) ? [how.otherwise] : [];
  }

  private known(): Snapshots {
    if (this.snapshots === null) throw new Error('Something is changed that an app is told of, and nobody said how it looks in the API.');
    return this.snapshots;
  }
}

/** What is deleted has nothing else than itself to say what it was. */
function beforeOf({ type, entity, originalEntity }: ChangeSet<ToldRow>): RowBefore<ToldRow> | null {
  if (type === ChangeSetType.CREATE) return null;
  return (originalEntity as unknown as RowBefore<ToldRow> | undefined) ?? entity;
}
