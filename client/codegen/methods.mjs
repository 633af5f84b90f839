/**
 * Writes the methods of the client, below the types that typescript-operations makes of the same operations, and with `manifest: true`
 * the documents that a customer's session may send, for `billing operations register`.
 */
import { createHash } from 'node:crypto';
import { isAbstractType, isObjectType, print, stripIgnoredCharacters } from 'graphql';
import { capitalized, methodsOf, rolesOf } from './operations.mjs';

/**
 * @typedef {import('graphql').GraphQLSchema} Schema
 * @typedef {import('./operations.mjs').Method} Method
 */

/**
 * What graphql-codegen calls.
 * @param {Schema} schema
 * @param {readonly { document: import('graphql').DocumentNode }[]} documents
 * @param {{ manifest?: boolean }} config
 */
export function plugin(schema, documents, { manifest = false }) {
  const texts = textsOf(documents);
  const methods = methodsOf(schema).map((method) => ({ ...method, text: texts(capitalized(method.name)) }));
  if (manifest) return manifestOf(methods);
  const shown = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && 'id' in type.getFields());
  return {
    prepend: [
      "import type { Calls, CallOptions, Done, Method, MutationOptions } from './calls.js';",
      "import type { List } from './list.js';",
      "import type { Feed } from './feed.js';",
    ],
    content: [
      ...shown.map((type) => `${docblock(type.description)}export type ${type.name} = ${type.name}FieldsFragment;`),
      `/** Which types stand behind an interface: what caches ask for. */\nexport const possibleTypes = ${JSON.stringify(possibleTypes(schema))};`,
      `const METHODS = {\n${methods.map(entryOf).join('\n')}\n} as const satisfies Record<string, Method>;`,
      '/** A method for everything that the API can be asked. */',
      'export class Methods {',
      '  readonly #calls: Calls;\n',
      '  constructor(calls: Calls) {\n    this.#calls = calls;\n  }\n',
      methods.map(methodText).join('\n\n'),
      '}',
    ].join('\n\n'),
  };
}

/** @param {readonly { document: import('graphql').DocumentNode }[]} documents */
function textsOf(documents) {
  const definitions = new Map(
    documents.flatMap(({ document }) => document.definitions.map((one) => [one.name.value, stripIgnoredCharacters(print(one))])),
  );
  /**
   * An operation with the fragments that it spreads.
   * @param {string} name
   */
  return (name) => {
    const needed = new Set([name]);
    for (const one of needed) for (const [, spread] of definitions.get(one).matchAll(/\.\.\.(\w+Fields)/g)) needed.add(spread);
    return [...needed].map((one) => definitions.get(one)).join(' ');
  };
}

/** @param {Schema} schema */
function possibleTypes(schema) {
  const kinds = Object.values(schema.getTypeMap()).filter((type) => isAbstractType(type) && !type.name.startsWith('__'));
  return Object.fromEntries(kinds.map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]));
}

/** @param {Method[]} methods */
function manifestOf(methods) {
  const forSessions = methods.filter(({ path }) => path.every((field) => rolesOf(field)?.includes('CUSTOMER') ?? true));
  const pairs = forSessions.map(({ text }) => [`sha256:${createHash('sha256').update(text).digest('hex')}`, text]);
  return `${JSON.stringify(Object.fromEntries(pairs), null, 2)}\n`;
}

/** @param {Method} method */
function entryOf({ name, path, text }) {
  return `  ${name}: { name: '${name}', path: ${JSON.stringify(path.map((field) => field.name))}, text: ${JSON.stringify(text)} },`;
}

/** @param {Method} method */
function methodText({ name, kind, path }) {
  const type = capitalized(name);
  const doc = docblock(path.at(-1)?.description, '  ');
  if (kind === 'mutation') {
    const payload = `${type}Mutation['${name}']`;
    const signature = `${name}(input: ${type}MutationVariables['input'], options: MutationOptions = {}): Promise<Done<${payload}>>`;
    return `${doc}  ${signature} {\n    return this.#calls.mutate<${payload}>(METHODS.${name}, input, options);\n  }`;
  }
  const isFree = path.every((field) => field.args.every(({ type: of }) => !String(of).endsWith('!')));
  const variables = `variables: ${type}QueryVariables${isFree ? ' = {}' : ''}, options: CallOptions = {}`;
  const [root = '', ...below] = path.map((field) => `['${field.name}']`);
  const answer = below.reduce((inner, field) => `NonNullable<${inner}>${field}`, `${type}Query${root}`);
  if (kind === 'query') {
    const answered = below.length === 0 ? answer : `${answer} | null`;
    return `${doc}  ${name}(${variables}): Promise<${answered}> {\n    return this.#calls.query<${answered}>(METHODS.${name}, variables, options);\n  }`;
  }
  if (kind === 'feed')
    return `${doc}  ${name}(${variables}): Feed {\n    return this.#calls.feed(METHODS.${name}, variables, options);\n  }`;
  const node = kind === 'connection' ? `${answer}['nodes'][number]` : `${answer}[number]`;
  return `${doc}  ${name}(${variables}): List<${node}> {\n    return this.#calls.${kind}<${node}>(METHODS.${name}, variables, options);\n  }`;
}

/**
 * @param {string | null | undefined} text
 * @param {string} [indent]
 */
function docblock(text, indent = '') {
  return text ? `${indent}/** ${text.replaceAll('*/', '* /').replaceAll('\n', ' ')} */\n` : '';
}
