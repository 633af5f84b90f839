import { EVENT_TYPES, HEAD_ONLY_EVENT_TYPES } from '../../tilled/tilled.shapes.js';
import { EVENT_WINDOW_MS } from '../assumptions.js';
import type { Call, Route } from '../call.js';
import { createdWithin, listPage, recordOf } from '../call.js';
import { isoTime } from '../clock.js';
import { badRequest } from '../http-error.js';
import type { EventRecord } from '../records.js';

/** The operations on events: what to reconcile with. */
export const eventRoutes: Route[] = [
  { method: 'GET', path: '/v1/events', status: 200, area: 'events', handle: listEvents },
  { method: 'GET', path: '/v1/events/:id', status: 200, area: 'events', handle: getEvent },
];

const TYPES_MAX = 20;

function listEvents(call: Call): unknown {
  const { query, engine } = call;
  const types = query.listOf('types', [...EVENT_TYPES, ...HEAD_ONLY_EVENT_TYPES]);
  if (types !== undefined && types.length > TYPES_MAX) throw badRequest(`types must contain no more than ${TYPES_MAX} elements`);
  const objectId = query.text('object_id');
  const oldest = isoTime(engine.clock.now() - EVENT_WINDOW_MS);
  const isCreatedWithin = createdWithin(call);
  return listPage(call, {
    collection: engine.store.events,
    keys: objectId === undefined ? [] : [`object_id=${objectId}`],
    where: (event) => (types?.includes(event.type) ?? true) && (isCreatedWithin?.(event) ?? true) && event.created_at >= oldest,
    render: renderEvent,
  });
}

function getEvent(call: Call): unknown {
  return renderEvent(recordOf(call, call.engine.store.events, 'Event'));
}

function renderEvent(event: EventRecord): unknown {
  return JSON.parse(event.body);
}
