import type { Foundation } from './compose.foundation.js';
import { EventPublisher, type FanOut } from './events/event.publisher.js';
import { LimitEvents } from './events/limit-events.js';
import { type Clock, systemTicks, type Ticks } from './platform/clock.js';
import type { Ids } from './platform/ids.js';

export { eventsMarkdown } from './events/event.markdown.js';

/** What makes a feed of what was written. */
interface EventsParts {
  readonly clock: Clock;
  /** The process's own if absent. */
  readonly ticks?: Ticks | undefined;
  readonly ids: Ids;
  readonly mayWork: () => Promise<boolean>;
  readonly fanOut: FanOut;
}

/** Publishing what apps are told, in the order of their feeds and to whoever passes it on; and telling of limits. */
export function composeEvents(
  { database, access, eventTrail, log }: Pick<Foundation, 'database' | 'access' | 'eventTrail' | 'log'>,
  { clock, ticks = systemTicks, ids, fanOut, mayWork }: EventsParts,
): { readonly publisher: EventPublisher; readonly limitEvents: LimitEvents } {
  const scopeFor = (appId: string, id: string) => access.scopeOf(appId, { kind: 'job', id }, { requestId: ids.make('job') });
  const scopeOf = (appId: string, limit: string) => scopeFor(appId, `limit.${limit}`);
  return {
    publisher: new EventPublisher({ database, scopeOf: (appId) => scopeFor(appId, 'events.publish'), fanOut, ticks, mayWork, log }),
    limitEvents: new LimitEvents({ scopeOf, eventTrail, clock, log }),
  };
}
