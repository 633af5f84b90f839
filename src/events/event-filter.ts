import { InvalidInput } from '../platform/errors.js';
import { EVENT_TYPES, type EventTypeName } from './event.catalogue.js';

const ALL = Object.keys(EVENT_TYPES) as EventTypeName[];
const SHOWN_MAX = 64;

/** Whether an event of this type is wanted: by its name, by the beginning of it (`payment.*`), or because all are. */
export function isWanted(type: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((one) => (one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : one === type));
}

/** The types that are wanted. Throws InvalidInput with the path `field` where a name stands for none. */
export function typesWanted(wanted: readonly string[], field: string): readonly EventTypeName[] {
  const unknown = wanted.find((one) => !ALL.some((type) => isWanted(type, [one])));
  if (unknown !== undefined)
    throw InvalidInput.because([field], `There is no event of type ${unknown.slice(0, SHOWN_MAX)}; docs/events.md has all types.`);
  return ALL.filter((type) => isWanted(type, wanted));
}
