import { type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';
import { badUserInput } from './errors.js';

/** Items of one list or object in the variables: far more than any input asks for, and each costs us work. */
const ITEMS_MAX = 1_000;
/** Values in all variables together. */
const VALUES_MAX = 10_000;
/** Lists and objects inside each other; the deepest input that we have is four. */
const DEPTH_MAX = 20;

/** Wrong variables that one answer words: each repeats what was sent. */
export const WRONG_VARIABLES_SAID_MAX = 10;

type Variables = Readonly<Record<string, unknown>>;

/** What an operation was sent with, and how execution will read it. */
export interface SentVariables {
  readonly raw: Variables;
  /** With defaults and as our types; null where anything is wrong: execution reads them as this does, and says what. */
  readonly coerced: Variables | null;
}

/** Reads the variables of an operation. Throws BAD_USER_INPUT, before any is looked at, where they are too many. */
export function readVariables(schema: GraphQLSchema, operation: OperationDefinitionNode, sent: Variables): SentVariables {
  assertBounded(sent);
  const definitions = operation.variableDefinitions ?? [];
  if (definitions.length === 0) return { raw: sent, coerced: {} };
  return { raw: sent, coerced: getVariableValues(schema, definitions, sent, { maxErrors: 1 }).coerced ?? null };
}

/** GraphQL's own reading has no end: it words each of a million wrong values, and all of them in each message. */
function assertBounded(variables: Variables): void {
  // Without recursion: they may be nested deeper than our stack.
  const waiting: { readonly value: object; readonly depth: number }[] = [{ value: variables, depth: 0 }];
  let values = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const items: readonly unknown[] = Array.isArray(next.value) ? next.value : Object.values(next.value);
    values += items.length;
    if (items.length > ITEMS_MAX) throw badUserInput(`A list or an object in the variables has more than ${ITEMS_MAX} items.`);
    if (values > VALUES_MAX) throw badUserInput(`The variables have more than ${VALUES_MAX} values in all.`);
    if (next.depth > DEPTH_MAX) throw badUserInput(`The variables are nested more than ${DEPTH_MAX} deep.`);
    for (const value of items) if (typeof value === 'object' && value !== null) waiting.push({ value, depth: next.depth + 1 });
  }
}
