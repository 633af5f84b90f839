import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import {
  buildSchema,
  type ConstDirectiveNode,
  findBreakingChanges,
  GraphQLError,
  type GraphQLField,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { KEY_SCOPES } from '../../src/access/key-scopes.js';
import { emittedFiles } from '../../src/cli/schema.files.js';
import { composeSchema } from '../../src/compose.js';
import { UNCONFINED } from '../../src/graphql/access.js';
import { declareAccess } from '../../src/graphql/access-declaration.js';
import { Admission } from '../../src/graphql/admission.js';
import { assertMoneyIsSaid } from '../../src/graphql/money.js';
import { printedSchema } from '../../src/graphql/schema.js';
import type { Actor } from '../../src/platform/tenancy/actor.js';
import { operationOf, placesOf, type RootField, rootFieldsOf } from '../support/schema-walk.js';

const schema = await composeSchema();
const roots = rootFieldsOf(schema);
const emitted = Object.entries(await emittedFiles());

const ROLES = ['service', 'read_only', 'operator', 'customer'] as const;
const READERS = ['service', 'read_only', 'operator'];

/** Who may reach what is not simply for services (mutations), for readers (lists) or for readers and customers (single objects). */
const REACHED_BY: Readonly<Record<string, readonly string[]>> = {
  app: [...READERS, 'customer'],
  session: ['customer'],
  customerByExternalId: READERS,
  paymentByReferenceId: READERS,
  history: READERS,
  webhookEvents: ['service', 'operator'],
  webhookHealth: ['service', 'operator'],
  divergence: ['service', 'operator'],
  divergences: ['service', 'operator'],
  divergenceResolve: ['service', 'operator'],
  webhookEventReplay: ['service', 'operator'],
  webhookDeliveryResend: ['service', 'operator'],
  paymentMethodAttach: ['service', 'customer'],
  paymentMethodDetach: ['service', 'customer'],
  paymentMethodSetDefault: ['service', 'customer'],
  // As far as the app's PortalPolicy lets a session.
  subscriptionCancel: ['service', 'customer'],
  subscriptionReactivate: ['service', 'customer'],
};

describe('schema.graphql', () => {
  it.each(emitted)('is what the code emits, and so is what is made of it: %s', async (file, text) => {
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('has everything of the agreed contract, as it was agreed', async () => {
    const contract = buildSchema(await readFile('test/contract/contract.graphql', 'utf8'));
    expect(findBreakingChanges(contract, asPlain(schema)).map((change) => change.description)).toEqual([]);
  });
});

describe('every root field', () => {
  it.each(roots.map((root) => [root.name, root] as const))('%s says who may reach it, and lets in nobody else', (name, root) => {
    const expected =
      REACHED_BY[name] ?? (root.operation === 'mutation' ? ['service'] : isSingle(root) ? [...READERS, 'customer'] : READERS);
    const reached = [...ROLES, 'webhook', 'job', 'command', 'nobody'].filter((kind) => isAdmitted(schema, root, { kind }));
    expect(reached.toSorted()).toEqual([...expected].toSorted());
  });
});

describe('what schema.graphql says about access', () => {
  const said = buildSchema(printedSchema(schema));
  const named = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
  const objects = named.filter((type) => isObjectType(type)).filter((type) => !['Query', 'Mutation'].includes(type.name));
  const fields = named.filter(isObjectType).flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));

  it('is said of every root field and every type, so that no field is without', () => {
    const unsaid = roots.filter(({ operation, name }) => authOf(said, operation === 'query' ? 'Query' : 'Mutation', name) === null);
    expect(unsaid).toEqual([]);
    expect(objects.filter((type) => authOf(said, type.name) === null)).toEqual([]);
    expect(objects.length).toBeGreaterThan(30);
  });

  it.each(ROLES)('is what holds for %s, field by field', (role) => {
    for (const { type, field } of fields) {
      const auth = authOf(said, type.name, field.name) ?? authOf(said, type.name);
      // What a type's own fields are for is decided on the way to it, which the next test walks.
      const isDeclared = authOf(said, type.name, field.name) !== null;
      const reached = isReached(type, field, { kind: role });
      expect([type.name, field.name, reached]).toEqual([type.name, field.name, !isDeclared || auth?.roles.includes(role)]);
    }
  });

  it.each(ROLES)('is what %s gets to, walking from every root field through everything that lets it in', (role) => {
    const reached = new Set<string>();
    const walk = (type: GraphQLObjectType): void => {
      for (const field of Object.values(type.getFields())) {
        if (!isReached(type, field, { kind: role })) continue;
        const target = getNamedType(field.type);
        const next = isAbstractType(target) ? schema.getPossibleTypes(target) : isObjectType(target) ? [target] : [];
        for (const found of next) {
          // A field of an interface decides by the object: node() is tried with real ones in isolation.test.ts.
          if (reached.has(found.name) || (isAbstractType(target) && !authOf(said, found.name)?.roles.includes(role))) continue;
          reached.add(found.name);
          walk(found);
        }
      }
    };
    for (const root of [schema.getQueryType(), schema.getMutationType()]) if (root) walk(root);
    expect([...reached].toSorted()).toEqual(
      objects
        .filter((type) => authOf(said, type.name)?.roles.includes(role))
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it('is what holds for keys that are confined: the scope named is enough, and all the others are not', () => {
    let declared = 0;
    for (const { type, field } of fields) {
      const [needed, ...more] = authOf(said, type.name, field.name)?.scopes ?? [];
      expect(more).toEqual([]);
      const role = authOf(said, type.name, field.name)?.roles.find((one) => one !== 'customer');
      // What only sessions reach no key can be confined to.
      if (role === undefined && authOf(said, type.name, field.name)?.roles.length === 1) continue;
      const reachedWith = (scopes: readonly string[] | null) => isReached(type, field, { kind: role ?? 'service', scopes });
      const others = KEY_SCOPES.filter((scope) => scope !== needed);
      expect([type.name, field.name, reachedWith(null)]).toEqual([type.name, field.name, true]);
      expect([type.name, field.name, reachedWith(others)]).toEqual([type.name, field.name, needed === undefined]);
      // No scope opens it: all there are were tried above, and no key can be given this one.
      if (needed === UNCONFINED) expect(KEY_SCOPES).not.toContain(needed);
      if (needed === undefined || needed === UNCONFINED) continue;
      declared += 1;
      expect([type.name, field.name, KEY_SCOPES.includes(needed), reachedWith([needed])]).toEqual([type.name, field.name, true, true]);
    }
    expect(declared).toBeGreaterThan(45);
  });

  it('cannot be left out: a root field without @Allow does not compose, nor does a way around what a type says', () => {
    const type = (name: string, extensions: Record<string, unknown>, of: GraphQLObjectType | typeof GraphQLString) =>
      new GraphQLObjectType({ name, extensions, fields: { x: { type: of, extensions: name === 'Query' ? extensions : {} } } });
    const open = new GraphQLSchema({ query: type('Query', {}, GraphQLString) });
    expect(() => declareAccess(open)).toThrow(/Query.x does not say who may reach it/);
    const secret = type('Secret', { resource: { name: 'secrets', roles: ['service'] } }, GraphQLString);
    const around = new GraphQLSchema({ query: type('Query', { allow: { roles: ['service', 'customer'] } }, type('Between', {}, secret)) });
    expect(() => declareAccess(around)).toThrow(/Between.x leads service, customer to Secret, which is for service only/);
    const any = new GraphQLUnionType({ name: 'Any', types: [secret, type('Plain', {}, GraphQLString)] });
    const unsaid = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: { x: { type: any, extensions: { allow: { roles: ['service'], needs: null } } } },
      }),
    });
    expect(() => declareAccess(unsaid)).toThrow(/Query.x may lead to Plain, which says of no resource that it shows it/);
  });
});

describe('what the schema says about money', () => {
  const mutations = roots.filter(({ operation }) => operation === 'mutation');

  it('is said of every mutation: it moves some, or may, or it does not', () => {
    expect(
      mutations
        .filter(({ field }) => field.extensions['movesMoney'] === true)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(
      [
        ...['paymentCreate', 'paymentCapture', 'paymentCancel', 'refundCreate', 'customerDelete', 'paymentMethodDetach'],
        'disputeEvidenceSubmit',
        ...['subscriptionCreate', 'subscriptionUpdate', 'subscriptionPause', 'subscriptionResume', 'subscriptionCancel'],
        ...['subscriptionReactivate', 'subscriptionRetry'],
      ].toSorted(),
    );
    const unsaid = mutations.filter(({ field }) => typeof field.extensions['movesMoney'] !== 'boolean');
    expect(unsaid.map(({ name }) => name)).toEqual([]);
  });

  it('cannot be left out: a mutation that says neither does not compose', () => {
    const made = (extensions: Record<string, unknown>) =>
      new GraphQLSchema({ mutation: new GraphQLObjectType({ name: 'Mutation', fields: { x: { type: GraphQLString, extensions } } }) });
    expect(() => assertMoneyIsSaid(made({}))).toThrow(/Mutation.x does not say whether it moves money/);
    for (const movesMoney of [true, false]) expect(() => assertMoneyIsSaid(made({ movesMoney }))).not.toThrow();
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
    // What a payer's browser finishes one payment with; for services and the payer's own sessions only.
    // What an event tells of is what the API shows. What deliveries are verified with is shown once, to who had it made.
    const known = ['clientSecret', 'payload', 'secret', 'webhookEndpointSecretRotate'];
    expect(
      names.filter((name) => !known.includes(name) && /secret|hash|cvc|cvv|cardNumber|accountNumber|routing|payload|password/i.test(name)),
    ).toEqual([]);
  });

  it('is told of every mutation how it is repeated, in docs/paying-again.md', async () => {
    const said = await readFile('docs/paying-again.md', 'utf8');
    const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {});
    expect(mutations.filter((name) => !said.includes(`\`${name}\``))).toEqual([]);
  });

  it('lets every mutation that moves money or makes something be repeated', () => {
    const repeatable = roots.filter((root) => placesOf(root).some(({ path }) => path.at(-1) === 'idempotencyKey')).map(({ name }) => name);
    expect(repeatable.toSorted()).toEqual(
      [
        ...['customerCreate', 'paymentMethodAttach', 'subscriptionCreate', 'subscriptionCancel', 'subscriptionRetry'],
        ...['paymentCreate', 'paymentCapture', 'paymentCancel', 'refundCreate', 'disputeEvidenceSubmit'],
        ...['webhookEndpointCreate', 'webhookEndpointSecretRotate', 'webhookDeliveryResend'],
      ].toSorted(),
    );
  });
});

/** Who asks, also of kinds that no credential makes. */
interface Caller {
  readonly kind: string;
  readonly scopes?: readonly string[] | null;
}

/** What @auth says in the SDL of a type or of one of its fields; null where it is silent. */
function authOf(said: GraphQLSchema, typeName: string, fieldName?: string) {
  const type = said.getType(typeName);
  const node = fieldName === undefined ? type?.astNode : isObjectType(type) ? type.getFields()[fieldName]?.astNode : null;
  const directive = said.getDirective('auth');
  const values = node && directive ? getDirectiveValues(directive, node as { directives?: readonly ConstDirectiveNode[] }) : undefined;
  if (values === undefined) return null;
  const { roles, scopes } = values as { roles: readonly string[]; scopes?: readonly string[] };
  return { roles: roles.map((role) => role.toLowerCase()), scopes };
}

/** Whether a caller gets past access control of one field of any type: the type stands for the root of a query. */
function isReached(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>, actor: Caller): boolean {
  const alone = new GraphQLSchema({ query: type, types: Object.values(schema.getTypeMap()) });
  return isAdmitted(alone, { operation: 'query', name: field.name, field }, actor);
}

/** Whether an operation that asks for one root field and its leaves may run. */
function isAdmitted(on: GraphQLSchema, root: RootField, actor: Caller): boolean {
  const document = parse(operationOf(root, 0));
  const [operation] = document.definitions as OperationDefinitionNode[];
  if (operation === undefined) throw new Error('There is no operation.');
  try {
    new Admission(on).assertAdmitted({ document, operation, variables: { raw: {}, coerced: {} } }, actor as Actor);
    return true;
  } catch (error) {
    if (error instanceof GraphQLError && error.extensions['code'] === 'FORBIDDEN') return false;
    throw error;
  }
}

/** The schema as text says it, so that two are compared by what clients see. */
function asPlain(given: GraphQLSchema): GraphQLSchema {
  return buildSchema(printedSchema(given));
}

function isSingle({ field }: { readonly field: { readonly args: readonly { readonly name: string }[] } }): boolean {
  return field.args.length === 1 && field.args[0]?.name === 'id';
}
