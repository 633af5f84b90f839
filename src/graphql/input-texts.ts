import type { GraphQLField, GraphQLSchema } from 'graphql';
import type { InputProblem } from '../platform/errors.js';
import { type TextKind, textFault } from '../platform/text.js';
import { badUserInput } from './errors.js';

const METADATA = 'metadata';
/** What people write at length. */
const PARAGRAPHS: ReadonlySet<string> = new Set(['description', 'note', METADATA]);

/**
 * By which an order or a request is known again. One that was stored before texts were trimmed must not be taken for
 * another, and be paid once more.
 */
const NAMES_TO_KNOW_AGAIN: ReadonlySet<string> = new Set(['idempotencyKey', 'referenceId', 'externalId']);

/**
 * Trims every text of an input where it stands, keys and values of metadata too, and says what is wrong with each. One
 * that is wrong is blanked, so that no later rule trips over it.
 */
export function tidyTexts(input: object): InputProblem[] {
  return tidied(input, []);
}

function tidied(holder: object, path: readonly string[]): InputProblem[] {
  return Object.entries(holder).flatMap(([name, value]) => {
    const field = [...path, name];
    if (typeof value === 'string') return tidiedText(holder, { name, value, field });
    if (typeof value !== 'object' || value === null || value instanceof Date) return [];
    return name === METADATA ? tidiedMetadata(holder, value, field) : tidied(value, field);
  });
}

interface Text {
  readonly name: string;
  readonly value: string;
  readonly field: readonly string[];
}

function tidiedText(holder: object, { name, value, field }: Text): InputProblem[] {
  const text = value.trim();
  const isChanged = NAMES_TO_KNOW_AGAIN.has(name) && text !== '' && text !== value;
  const fault = isChanged ? 'must not begin or end with blanks' : textFault(text, kindOf(field));
  Reflect.set(holder, name, fault === null ? text : '');
  return fault === null ? [] : [problem(field, fault)];
}

function tidiedMetadata(holder: object, metadata: object, field: readonly string[]): InputProblem[] {
  const entries = Object.entries(metadata).map(([key, value]): [string, unknown] => [
    key.trim(),
    typeof value === 'string' ? value.trim() : value,
  ]);
  const keys = new Set(entries.map(([key]) => key));
  // Made anew: a key called __proto__ is data like any other, which an assignment would not keep.
  Reflect.set(holder, METADATA, Object.fromEntries(entries));
  return [
    ...(keys.size < entries.length ? [problem(field, 'must not have two keys that differ in blanks around them only')] : []),
    ...[...keys].flatMap((key) => {
      const fault = textFault(key, 'line');
      return fault === null ? [] : [problem(field, `a key ${fault}`)];
    }),
    ...entries.flatMap(([key, value]) => {
      const fault = typeof value === 'string' ? textFault(value, 'paragraphs') : null;
      return fault === null || textFault(key, 'line') !== null ? [] : [problem([...field, key], fault)];
    }),
  ];
}

function kindOf(field: readonly string[]): TextKind {
  return PARAGRAPHS.has(field.at(-1) ?? '') ? 'paragraphs' : 'line';
}

function problem(field: readonly string[], fault: string): InputProblem {
  return { field, message: `${field.join('.')}: ${fault}.` };
}

/**
 * Has every query trim the texts it is asked with, as those are that it looks for, and refuse such as are no Unicode:
 * BAD_USER_INPUT. Blanks and control characters find nothing, or what was stored before they were refused.
 */
export function tidyArguments(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {}) as GraphQLField<unknown, unknown>[]) {
    const { resolve, name } = field;
    field.resolve = (source, args, scope, info) => {
      for (const [argument, value] of Object.entries(args)) {
        if (typeof value !== 'string') continue;
        if (!value.isWellFormed()) throw badUserInput(`${name}.${argument} ${textFault(value, 'paragraphs')}.`, info.fieldNodes[0]);
        args[argument] = value.trim();
      }
      return resolve?.(source, args, scope, info);
    };
  }
}
