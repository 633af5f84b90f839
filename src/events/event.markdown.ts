import type { GraphQLSchema } from 'graphql';
import { EVENT_TYPES, type EventType } from './event.catalogue.js';
import { EXAMPLES } from './event.examples.js';
import { Snapshots } from './snapshots.js';

/** docs/events.md: every type of event, when it is written, what it tells. Throws for an object without an example. */
export function eventsMarkdown(schema: GraphQLSchema): string {
  const byObject = Map.groupBy(Object.entries<EventType>(EVENT_TYPES), ([, { object }]) => object);
  const snapshots = new Snapshots(schema, [...byObject.keys()]);
  return [
    '# Events',
    'Written by `npm run schema` from the catalogue in the code; a test compares. Change it there.',
    ...INTRODUCTION,
    ...[...byObject].flatMap(([object, types]) => section(object, types, snapshots)),
    '',
  ].join('\n\n');
}

const INTRODUCTION = [
  'Every change that the API shows is an event, written in the transaction that makes the change: it is there if and only if the change is. [`events`](api.md#queryevents) lists them.',
  '`sequence` numbers the events of one object from 1, without gaps. `payload` is the object as the change left it, a JSON text with the fields that a service key reads in the API; links to other objects are `{"__typename", "id"}`, lists and what has to be asked of the processor are left out. Events that were written together show the same. Fields may be added; `schemaVersion` changes only where a reader would break.',
  'A payment, refund, customer or subscription that is being made is told of once it stands: what could not be made, because the processor was not reached, has no event.',
  'The order of the feed is that of publishing: an event is published within a fraction of a second after its commit, and then none comes before it any more. So `after: endCursor` misses nothing, and no event comes twice. Events are kept for 90 days; a cursor that is older is BAD_USER_INPUT. Once a customer is erased, the payloads of their events are `{"__typename", "id", "erased": true}`.',
  'A key reads the events of objects that it may read: one that is confined to scopes needs `events:read`, and for each kind of object its own.',
] as const;

function section(object: string, types: readonly (readonly [string, EventType])[], snapshots: Snapshots): string[] {
  const row = EXAMPLES[object];
  if (row === undefined) throw new Error(`Events tell of a ${object}, of which there is no example.`);
  const lines = types.map(([type, { when }]) => `| \`${type}\` | ${when} |`);
  return [
    `## ${object}`,
    ['| Type | When |', '| --- | --- |', ...lines].join('\n'),
    `A payload, as JSON:`,
    `\`\`\`json\n${JSON.stringify(snapshots.of(object, row), null, 2)}\n\`\`\``,
  ];
}
