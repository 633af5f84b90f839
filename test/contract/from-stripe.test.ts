import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { isEnumType, isInputObjectType, isObjectType } from 'graphql';
import { composeSchema } from '../../src/compose.js';

const schema = await composeSchema();
const text = await readFile('docs/from-stripe.md', 'utf8');
const [, here = '', missing = ''] = text.split(/^## .*$/m);

/** Code of our own names: `paymentCreate`, `Payment`, `Payment.captured`. */
const OUR_NAME = /^[A-Za-z]+(?:\.[A-Za-z_]+)?$/;

describe('docs/from-stripe.md', () => {
  it.each(codeIn(here, 2))('names %s, which is there', (name) => {
    expect([name, isThere(name)]).toEqual([name, true]);
  });

  it.each(codeIn(missing, 1))('says that %s is not here, which is so', (name) => {
    expect([name, isThere(name)]).toEqual([name, false]);
  });

  it.each(codeIn(missing, 2))('names %s in its place, which is there', (name) => {
    expect([name, isThere(name)]).toEqual([name, true]);
  });

  it('is looked at in its columns', () => {
    expect([isThere('Payment.captured'), isThere('Payment.taken'), isThere('chargeCreate')]).toEqual([true, false, false]);
    expect([codeIn(here, 2).length > 30, codeIn(missing, 1).length > 5, codeIn(missing, 2).length > 2]).toEqual([true, true, true]);
  });
});

/** What stands as code in a column of the table, and may be a name of ours. */
function codeIn(chapter: string, column: number): string[] {
  const cells = [...chapter.matchAll(/^\|.*\|$/gm)].map(([line]) => line.split('|')[column] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => (OUR_NAME.test(code) ? [code] : [])));
}

/** Is it a query, a mutation, a type, or a field or value of one? */
function isThere(name: string): boolean {
  const [first = '', second] = name.split('.');
  const type = schema.getType(first);
  if (second === undefined)
    return type !== undefined || [schema.getQueryType(), schema.getMutationType()].some((root) => root?.getFields()[first]);
  if (isEnumType(type)) return type.getValue(second) !== undefined;
  return (isObjectType(type) || isInputObjectType(type)) && type.getFields()[second] !== undefined;
}
