import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';
import { isoOf } from './reads/iso-date.js';

const { description: _, ...dateTime } = GraphQLDateTimeISO.toConfig();

/** A moment: a Date inside, ISO 8601 in UTC with milliseconds outside. */
export const DateTimeScalar = new GraphQLScalarType({
  ...dateTime,
  name: 'DateTime',
  description: 'ISO 8601, UTC, millisecond precision: 2026-03-01T12:00:00.000Z',
  // Ours are Dates; the library's way also parses text, which costs ten times as much.
  serialize: (value) => (value instanceof Date ? isoOf(value) : dateTime.serialize?.(value)),
});

/** A whole number of minor units; anything a JavaScript number cannot hold exactly is refused. */
export const MinorUnitsScalar = new GraphQLScalarType<number, number>({
  name: 'MinorUnits',
  description: "A whole number of a currency's minor unit (cents for USD, yen for JPY), within ±(2^53-1). Never a float.",
  serialize: (value) => minorUnits(value),
  parseValue: (value) => minorUnits(value),
  parseLiteral: (node) => {
    if (node.kind !== Kind.INT)
      throw badInput(`MinorUnits is a whole number of minor units without quotes, such as 1990 for 19.90 USD; got ${printed(node)}.`);
    return minorUnits(Number(node.value));
  },
});

/** The code of a currency; whether the processor takes it is decided where it is used. */
export const CurrencyCodeScalar = new GraphQLScalarType<string, string>({
  name: 'CurrencyCode',
  description: 'Lower-case ISO 4217 code: usd, cad, …',
  serialize: (value) => String(value),
  parseValue: (value) => currencyCode(value),
  parseLiteral: (node) => currencyCode(node.kind === Kind.STRING ? node.value : undefined),
});

const METADATA_KEYS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;

/** A string map; as input, a null value means "remove this key" where a mutation merges. */
export const MetadataScalar = new GraphQLScalarType<Record<string, string | null>, unknown>({
  name: 'Metadata',
  description:
    'String to string map: at most 50 keys, keys of at most 40 characters, values of at most 500. Both are trimmed, and neither is empty then.',
  serialize: (value) => value,
  parseValue: (value) => metadata(value),
  parseLiteral: (node, variables) => metadata(objectOf(node, variables)),
});

function minorUnits(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw badInput('MinorUnits is a whole number of minor units within ±(2^53-1), such as 1990 for 19.90 USD, sent as a JSON number.');
}

function currencyCode(value: unknown): string {
  if (typeof value === 'string' && /^[a-z]{3}$/.test(value)) return value;
  throw badInput('CurrencyCode is a lower-case ISO 4217 code in a string, such as "usd".');
}

function metadata(value: unknown): Record<string, string | null> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badInput('Metadata is an object of strings.');
  const entries = Object.entries(value);
  if (entries.length > METADATA_KEYS_MAX) throw badInput(`Metadata has ${entries.length} keys; at most ${METADATA_KEYS_MAX} are kept.`);
  for (const [key, item] of entries) {
    if (key.length === 0 || key.length > METADATA_KEY_LENGTH_MAX)
      throw badInput(`Metadata keys have 1 to ${METADATA_KEY_LENGTH_MAX} characters.`);
    if (item !== null && typeof item !== 'string') throw badInput('Metadata values are strings, or null to remove a key.');
    if (typeof item === 'string' && item.length > METADATA_VALUE_LENGTH_MAX)
      throw badInput(`Metadata values have at most ${METADATA_VALUE_LENGTH_MAX} characters.`);
  }
  // Own, plain properties only: a key called __proto__ is data like any other.
  return Object.fromEntries(entries) as Record<string, string | null>;
}

/** What a literal holds. A document is found valid before there are variables: until then each counts as a text. */
function objectOf(node: ValueNode, variables: Record<string, unknown> | null | undefined): unknown {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, objectOf(field.value, variables)]));
    case Kind.VARIABLE:
      return variables ? variables[node.name.value] : '';
    case Kind.NULL:
      return null;
    case Kind.STRING:
      return node.value;
    default:
      return undefined;
  }
}

function printed(node: ValueNode): string {
  return print(node).slice(0, 40);
}

function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
