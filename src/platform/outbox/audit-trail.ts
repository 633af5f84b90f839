import { type ChangeSet, ChangeSetType, type EntityManager, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import { type EventSource, recordEvent } from './outbox.js';
import { type EventDetails, OutboxEvent } from './outbox-event.entity.js';

/** How changes of an entity are written down. */
export interface Audited {
  readonly noun: string;
  /** Properties that tell about a person: that they changed is written down, their values are not. */
  readonly hidden: readonly string[];
}

type Row = Record<string, unknown> & { id: string };

const scopeOfUnit = new WeakMap<object, EventSource>();
/** Fields that tell nothing which the event does not tell itself. */
const UNTOLD = new Set(['appId', 'id', 'version', 'createdAt', 'updatedAt', 'eventSequence']);

/** Attributes what this unit of work writes to the scope that opened it. */
export function attributeWrites(em: EntityManager, scope: EventSource): void {
  scopeOfUnit.set(em, scope);
}

/** The scope that opened a unit of work; undefined where none did. */
export function sourceOf(em: EntityManager): EventSource | undefined {
  return scopeOfUnit.get(em);
}

/**
 * Writes down every change of an audited row in the same transaction, whoever makes it: no code can forget to. A change
 * of status is an event already, and gets what else changed. Events themselves are only ever added.
 */
export class AuditTrail implements EventSubscriber {
  /** @param audited by the name of the entity's class */
  constructor(private readonly audited: Readonly<Record<string, Audited>>) {}

  onFlush(flush: FlushEventArgs): void {
    const source = sourceOf(flush.em);
    for (const change of flush.uow.getChangeSets() as ChangeSet<object>[]) {
      if (change.entity instanceof OutboxEvent)
        throw new Error('An event is never changed or removed, and only recordEvent and recordTransition add one.');
      const how = this.audited[change.meta.className];
      if (how !== undefined && source !== undefined) note(source, change, how);
    }
  }
}

function note(source: EventSource, change: ChangeSet<object>, how: Audited): void {
  const { id } = change.entity as Row;
  const details = detailsOf(change, how);
  if (details === null) return;
  const transition = source.db
    .pendingEvents()
    .findLast(({ objectId, toStatus, details: told }) => objectId === id && toStatus !== '' && told === null);
  if (transition !== undefined) transition.details = details;
  else recordEvent(source, { type: `${how.noun}.${VERBS[change.type] ?? 'changed'}`, objectId: id, details });
}

const VERBS: Partial<Record<ChangeSetType, string>> = { [ChangeSetType.CREATE]: 'created', [ChangeSetType.DELETE]: 'removed' };

/** Null when nothing changed that is worth saying. */
function detailsOf(change: ChangeSet<object>, { hidden }: Audited): EventDetails | null {
  if (change.type === ChangeSetType.DELETE) return {};
  const [before, after] = [(change.originalEntity ?? {}) as Row, change.entity as Row];
  const changed = Object.keys(change.payload).filter(
    (name) => !UNTOLD.has(name) && !(after[name] === null && (before[name] ?? null) === null),
  );
  const told = changed.filter((name) => !hidden.includes(name));
  const untold = changed.filter((name) => hidden.includes(name));
  if (changed.length === 0) return null;
  return {
    changes: Object.fromEntries(told.map((name) => [name, [before[name] ?? null, after[name] ?? null]] as const)),
    ...(untold.length === 0 ? {} : { hidden: untold }),
  };
}
