import type { GraphQLSchema } from 'graphql';
import { mayReach } from '../graphql/access.js';
import type { Actor } from '../platform/tenancy/actor.js';
import { EVENT_TYPES, type EventType } from './event.catalogue.js';

/** Whether a caller may see events of a type: what its objects are not for, their events are not for either. */
export function mayRead(schema: GraphQLSchema, actor: Actor, type: string): boolean {
  const known: Readonly<Record<string, EventType>> = EVENT_TYPES;
  const object = known[type]?.object;
  return object !== undefined && mayReach(schema, object, actor);
}
