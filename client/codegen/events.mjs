/**
 * Writes what each type of event shows: the types from the gateway's own catalogue, the fields from the payloads of docs/events.md, which
 * a test holds against what is written.
 */
import { readFile } from 'node:fs/promises';
import { EVENT_TYPES } from '../../src/events/event.catalogue.ts';
import { capitalized, isApart } from './operations.mjs';

/** @typedef {import('graphql').GraphQLObjectType} ObjectType */

/**
 * What graphql-codegen calls.
 * @param {import('graphql').GraphQLSchema} schema
 */
export async function plugin(schema) {
  const payloads = payloadsIn(await readFile('docs/events.md', 'utf8'));
  const types = Object.entries(EVENT_TYPES);
  const objects = [...new Set(types.map(([, { object }]) => object))].sort();
  const snapshots = objects.map((object) => snapshotOf(/** @type {ObjectType} */ (schema.getType(object)), payloads.get(object)));
  return {
    prepend: ["import type { Erasable } from './events.js';", "import type * as api from './methods.generated.js';"],
    content: [
      ...snapshots,
      '/** The object of each type of event, and when it is written. */',
      'export interface EventObjects {',
      ...types.map(([name, { object, when }]) => `  /** ${when} */\n  '${name}': ${object}Snapshot;`),
      '}',
    ].join('\n'),
  };
}

/**
 * The fields of each payload, by the type of its object.
 * @param {string} text
 */
function payloadsIn(text) {
  const blocks = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json]) => JSON.parse(json));
  return new Map(blocks.map((payload) => [payload.__typename, Object.keys(payload)]));
}

/**
 * @param {ObjectType} type
 * @param {readonly string[] | undefined} fields
 */
function snapshotOf(type, fields) {
  if (fields === undefined) throw new Error(`docs/events.md has no payload of ${type.name}.`);
  const isAsked = (/** @type {string} */ name) => name in type.getFields() && isApart(type, type.getFields()[name]);
  const own = fields.filter((name) => !isAsked(name)).map((name) => `'${name}'`);
  const asked = fields.filter(isAsked).map((name) => {
    const query = `api.${type.name}${capitalized(name)}Query`;
    return `readonly ${name}: NonNullable<${query}['${type.name.charAt(0).toLowerCase()}${type.name.slice(1)}']>['${name}'];`;
  });
  const more = asked.length === 0 ? '' : ` & { ${asked.join(' ')} }`;
  return `/** A ${type.name} as its events show it. */\nexport type ${type.name}Snapshot = Pick<api.${type.name}, ${own.join(' | ')}>${more} & Erasable;\n`;
}
