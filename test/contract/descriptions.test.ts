import { describe, expect, it } from '@jest/globals';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
} from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { TOP_LEVEL_CODES } from '../../src/platform/top-level-codes.js';

/** A part of the schema, by its coordinate (`Payment.status`, `Query.payments(first:)`), and what it says of itself. */
interface Described {
  readonly coordinate: string;
  readonly name: string;
  readonly description: string | null | undefined;
}

/** Words that add nothing to a name. */
const ARTICLES = ['a', 'an', 'the'];

/** Names in the words that are none of the schema: of the world, and of the audit trail. */
const ELSEWHERE = ['ACH', 'API', 'BCP', 'EFT', 'IANA', 'ISO', 'JPY', 'JSON', 'US', 'USD', 'UTC', 'NEW', 'confirmPaymentIntent'];

describe('the words of the schema', () => {
  it('describe every type, field, argument, input field, enum value, scalar and directive', async () => {
    const lacking = lackingIn(await composeSchema());
    expect(lacking).toEqual([]);
  });

  it('name only what is there: a field, a value or an error code that was renamed or taken away is named nowhere', async () => {
    const parts = partsOf(await composeSchema());
    const known = new Set([...parts.map(({ name }) => name), ...Object.keys(TOP_LEVEL_CODES), ...ELSEWHERE]);
    const unknown = parts.flatMap(({ coordinate, description }) =>
      namesIn(description ?? '').flatMap((name) => (known.has(name) ? [] : [`${coordinate} names ${name}`])),
    );
    expect(unknown).toEqual([]);
    expect(namesIn('After paymentTake or OUT_OF_MONEY see takenAt, and pm_… of Tilled.js.')).toEqual([
      'paymentTake',
      'OUT_OF_MONEY',
      'takenAt',
    ]);
  });

  it('are looked for everywhere, and a word or a name alone is none', () => {
    const schema = buildSchema(`
      directive @shown(how: String) on FIELD_DEFINITION
      scalar Colour
      enum Size { "The largest there is." LARGE "A small." SMALL }
      interface Thing { id: ID! }
      input Wish { "The wished-for size." size: Size "The wish colour." wishColour: Colour }
      "Query." type Query { "Finds one thing." thing(wish: Wish, "Which one it is." id: ID): Thing }
    `);
    expect(lackingIn(schema)).toEqual([
      '@shown',
      '@shown(how:)',
      'Colour',
      'Query',
      'Query.thing(wish:)',
      'Size',
      'Size.SMALL',
      'Thing',
      'Thing.id',
      'Wish',
      'Wish.wishColour',
    ]);
  });
});

/** Coordinates of what has no description, one of a single word, or one that only repeats its name. */
function lackingIn(schema: GraphQLSchema): string[] {
  return partsOf(schema)
    .filter((part) => !isDescribed(part))
    .map(({ coordinate }) => coordinate)
    .toSorted();
}

function isDescribed({ name, description }: Described): boolean {
  const words = wordsOf(description ?? '');
  return words.length > 1 && words.join('') !== wordsOf(name).join('');
}

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !ARTICLES.includes(word));
}

/** What is written like a field (`paymentCreate`) or a value (`UNKNOWN`). */
function namesIn(text: string): string[] {
  return text.match(/\b(?:[A-Z]{2,}(?:_[A-Z]+)*|[a-z]+(?:[A-Z][a-z]*)+)\b/g) ?? [];
}

function partsOf(schema: GraphQLSchema): Described[] {
  const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));
  const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
  return [
    ...types.flatMap(partsOfType),
    ...directives.flatMap((directive) => {
      const coordinate = `@${directive.name}`;
      return [{ ...directive, coordinate }, ...argumentsOf(coordinate, directive.args)];
    }),
  ];
}

function partsOfType(type: GraphQLNamedType): Described[] {
  const { name } = type;
  const itself = { name, description: type.description, coordinate: name };
  const at = <Part extends { readonly name: string }>(part: Part) => ({ ...part, coordinate: `${name}.${part.name}` });
  if (isEnumType(type)) return [itself, ...type.getValues().map(at)];
  if (isInputObjectType(type)) return [itself, ...Object.values(type.getFields()).map(at)];
  if (!isObjectType(type) && !isInterfaceType(type)) return [itself];
  const fields = Object.values(type.getFields()).flatMap((field) => [at(field), ...argumentsOf(at(field).coordinate, field.args)]);
  return [itself, ...fields];
}

function argumentsOf(coordinate: string, args: readonly GraphQLArgument[]): Described[] {
  return args.map(({ name, description }) => ({ name, description, coordinate: `${coordinate}(${name}:)` }));
}
