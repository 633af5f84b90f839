import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, execute, findBreakingChanges, type GraphQLSchema, getNamedType, isEnumType, isInputObjectType, parse } from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { printedSchema } from '../../src/graphql/schema.js';
import { leastVariables, operationOf, placesOf, rootFieldsOf } from '../support/schema-walk.js';

const schema = await composeSchema();
const roots = rootFieldsOf(schema);

const ROLES = ['service', 'read_only', 'operator', 'customer'] as const;
const READERS = ['service', 'read_only', 'operator'];

/** Who may reach what is not simply for services (mutations), for readers (lists) or for readers and customers (single objects). */
const REACHED_BY: Readonly<Record<string, readonly string[]>> = {
  app: [...READERS, 'customer'],
  customerByExternalId: READERS,
  paymentByReferenceId: READERS,
  webhookEvents: ['service', 'operator'],
  webhookHealth: ['service', 'operator'],
  divergence: ['service', 'operator'],
  divergences: ['service', 'operator'],
  divergenceResolve: ['service', 'operator'],
  webhookEventReplay: ['service', 'operator'],
  paymentMethodAttach: ['service', 'customer'],
  paymentMethodDetach: ['service', 'customer'],
  paymentMethodSetDefault: ['service', 'customer'],
};

describe('schema.graphql', () => {
  it('is what the code emits', async () => {
    expect(await readFile('schema.graphql', 'utf8')).toBe(printedSchema(schema));
  });

  it('has everything of the agreed contract, as it was agreed', async () => {
    const contract = buildSchema(await readFile('test/contract/contract.graphql', 'utf8'));
    expect(findBreakingChanges(contract, asPlain(schema)).map((change) => change.description)).toEqual([]);
  });
});

describe('every root field', () => {
  it.each(roots.map((root) => [root.name, root] as const))('%s says who may reach it, and lets in nobody else', async (name, root) => {
    const expected =
      REACHED_BY[name] ?? (root.operation === 'mutation' ? ['service'] : isSingle(root) ? [...READERS, 'customer'] : READERS);
    const document = parse(operationOf(root, 0));
    const variableValues = leastVariables(root, ({ type }) => SAMPLES[getNamedType(type).name] ?? 'text');
    const reached: string[] = [];
    for (const role of [...ROLES, 'webhook', 'job', 'command', 'nobody']) {
      const { errors = [] } = await execute({ schema, document, variableValues, contextValue: { actor: { kind: role } } });
      expect(errors.map((error) => error.extensions['code'])).not.toContain('BAD_USER_INPUT');
      if (!errors.some((error) => error.extensions['code'] === 'FORBIDDEN')) reached.push(role);
    }
    expect(reached.toSorted()).toEqual([...expected].toSorted());
  });
});

describe('the schema', () => {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));

  it('has no floating numbers', () => {
    expect(types.map((type) => type.name)).not.toContain('Float');
  });

  it('names every value of an enum once, and after what it stands for', () => {
    const enums = types.filter(isEnumType);
    expect(enums.length).toBeGreaterThan(8);
    for (const type of enums) {
      const values = type.getValues();
      expect(values.map(({ value }) => value)).toEqual(values.map(({ name }) => name));
      expect(new Set(values.map(({ value }) => value)).size).toBe(values.length);
      expect(values.filter(({ name }) => !/^[A-Z][A-Z_]*$/.test(name))).toEqual([]);
    }
  });

  it('takes the app from the credential only', () => {
    const appPlaces = roots.flatMap((root) => placesOf(root).filter(({ path }) => /app/i.test(path.at(-1) ?? '')));
    expect(appPlaces).toEqual([]);
    const outputs = types.filter((type) => 'getFields' in type && !isInputObjectType(type));
    expect(outputs.filter((type) => 'getFields' in type && 'appId' in type.getFields())).toEqual([]);
  });

  it('shows no secret and nothing by which a card could be used', () => {
    const names = types.flatMap((type) => ('getFields' in type ? Object.keys(type.getFields()) : []));
    expect(names.filter((name) => /secret|hash|cvc|cvv|cardNumber|accountNumber|routing|payload|password/i.test(name))).toEqual([]);
  });

  it('lets every mutation that moves money or makes something be repeated', () => {
    const repeatable = roots.filter((root) => placesOf(root).some(({ path }) => path.at(-1) === 'idempotencyKey')).map(({ name }) => name);
    expect(repeatable.toSorted()).toEqual(
      [
        ...['customerCreate', 'paymentMethodAttach', 'subscriptionCreate', 'subscriptionCancel'],
        ...['paymentCreate', 'paymentCapture', 'paymentCancel', 'refundCreate'],
      ].toSorted(),
    );
  });
});

const SAMPLES: Readonly<Record<string, unknown>> = { MinorUnits: 1, CurrencyCode: 'usd', ID: 'cus_01k5zq3v8e7m2n4p6r8s0t1v2w' };

/** The schema as text says it, so that two are compared by what clients see. */
function asPlain(given: GraphQLSchema): GraphQLSchema {
  return buildSchema(printedSchema(given));
}

function isSingle({ field }: { readonly field: { readonly args: readonly { readonly name: string }[] } }): boolean {
  return field.args.length === 1 && field.args[0]?.name === 'id';
}
