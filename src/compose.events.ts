import type { Foundation } from './compose.foundation.js';
import { EventPublisher, type FanOut } from './events/event.publisher.js';
import type { Clock } from './platform/clock.js';
import type { Ids } from './platform/ids.js';

export { eventsMarkdown } from './events/event.markdown.js';

/** What makes a feed of what was written. */
interface EventsParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly fanOut: FanOut;
}

/** Publishing what apps are told: in the order of their feeds, and to whoever passes it on. */
export function composeEvents(
  { database, access, log }: Pick<Foundation, 'database' | 'access' | 'log'>,
  { clock, ids, fanOut }: EventsParts,
): EventPublisher {
  const scopeOf = (appId: string) => access.scopeOf(appId, { kind: 'job', id: 'events.publish' }, { requestId: ids.make('job') });
  return new EventPublisher({ database, scopeOf, fanOut, clock, log });
}
