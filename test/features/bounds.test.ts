import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphQLInputField, type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isRequiredInputField } from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { rootFieldsOf } from '../support/schema-walk.js';
import { type TestApp, World } from '../support/world.js';

/** The bounds that the words of an input field tell. */
interface Told {
  readonly mutation: string;
  readonly input: string;
  readonly field: GraphQLInputField;
  readonly required: Readonly<Record<string, unknown>>;
  readonly isText: boolean;
  readonly min: number;
  readonly max: number;
}

/** Values of what has a form of its own. */
const FORMED: Readonly<Record<string, unknown>> = {
  email: 'ann@example.com',
  tilledPaymentMethodId: 'pm_none',
  url: 'https://example.com/billing',
  DateTime: '2030-01-01T00:00:00.000Z',
  Metadata: {},
  Int: 1,
  Boolean: false,
  MinorUnits: 1,
  CurrencyCode: 'usd',
};

const told = rootFieldsOf(await composeSchema())
  .filter(({ operation }) => operation === 'mutation')
  .flatMap(({ name, field }) => toldBy(name, field.args[0]?.type));

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
});
afterAll(() => world.close());

describe('the bounds in the words of an input field', () => {
  it('are told of many fields', () => {
    const places = told.map(({ mutation, field }) => `${mutation} ${field.name}`);
    expect(places).toEqual(
      expect.arrayContaining([
        'customerCreate name',
        'paymentCreate description',
        'subscriptionCreate intervalCount',
        'customerSessionCreate ttlSeconds',
      ]),
    );
    expect(places.length).toBeGreaterThan(20);
  });

  it.each(told.map((one) => [one.mutation, one.field.name, one] as const))('hold for %s(input.%s)', async (_, name, one) => {
    const refused = async (size: number) =>
      (await errorsOf(one, size)).filter(({ code, field }) => code === 'INVALID' && field?.[0] === name).length > 0;
    expect([await refused(one.max), await refused(one.max + 1)]).toEqual([false, true]);
    expect([await refused(one.min), one.min === 0 || (await refused(one.min - 1))]).toEqual([false, true]);
  });
});

/** What goes wrong when a field has this length, or is this number. */
async function errorsOf({ mutation, input, field, required, isText }: Told, size: number) {
  const query = `mutation ($input: ${input}!) { answer: ${mutation}(input: $input) { userErrors { code field } } }`;
  const variables = { input: { ...required, [field.name]: isText ? 'x'.repeat(size) : size } };
  const { data, errors } = await world.post<{ answer: { userErrors: { code: string; field: string[] | null }[] } }>(
    { query, variables },
    { credential: app.key },
  );
  if (data === null) throw new Error(JSON.stringify(errors));
  return data.answer.userErrors;
}

function toldBy(mutation: string, inputType: GraphQLInputType | undefined): Told[] {
  const type = inputType && getNamedType(inputType);
  if (!isInputObjectType(type)) return [];
  const all = Object.values(type.getFields());
  // An e-mail address is refused for its form before it is as long as it may be.
  const fields = all.filter(({ name }) => name !== 'email');
  const required = Object.fromEntries(all.filter(isRequiredInputField).map((field) => [field.name, valueFor(field)]));
  return fields.flatMap((field): Told[] => {
    const words = field.description ?? '';
    const [, , low, high] = /\b((\d[\d,]*) to |at most )(\d[\d,]*) characters/.exec(words) ?? [];
    const [, from, to] = /\bfrom (\d[\d,]*) to (\d[\d,]*)/i.exec(words) ?? [];
    const common = { mutation, input: type.name, field, required };
    if (high !== undefined) return [{ ...common, isText: true, min: numberOf(low ?? '0'), max: numberOf(high) }];
    return from === undefined || to === undefined ? [] : [{ ...common, isText: false, min: numberOf(from), max: numberOf(to) }];
  });
}

function valueFor({ name, type }: GraphQLInputField): unknown {
  const named = getNamedType(type);
  if (isEnumType(named)) return named.getValues()[0]?.name;
  if (isInputObjectType(named)) return Object.fromEntries(Object.values(named.getFields()).map((field) => [field.name, valueFor(field)]));
  return FORMED[name] ?? FORMED[named.name] ?? 'x';
}

function numberOf(text: string): number {
  return Number(text.replaceAll(',', ''));
}
