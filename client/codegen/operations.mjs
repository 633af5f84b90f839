/**
 * The operations of the client, made from schema.graphql, so that what the API gains the client gains: a method for each field of
 * Query and Mutation, and one for each field of an object that is not shown with it, because it is a list or not for everybody who
 * may see the object (`customerPaymentMethods`, `paymentNextAction`), or for not every key (`appSettings`).
 *
 * An object is shown as its events show it: `__typename`, scalars, enums, values without an id such as Money, and of a single object
 * that it refers to the id.
 */
import { readFile } from 'node:fs/promises';
import {
  buildSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  valueFromASTUntyped,
} from 'graphql';

/** Arguments of lists that go backwards: the client reads forwards. */
const BACKWARDS = new Set(['last', 'before']);

/**
 * @typedef {import('graphql').GraphQLSchema} Schema
 * @typedef {import('graphql').GraphQLField<unknown, unknown>} Field
 * @typedef {import('graphql').GraphQLObjectType | import('graphql').GraphQLInterfaceType} Composite
 * @typedef {object} Method
 * @property {string} name
 * @property {'mutation' | 'query' | 'connection' | 'list' | 'feed'} kind `list`: without cursors, read on with afterId; `feed`: of events
 * @property {readonly Field[]} path the fields from the root to what is answered
 * @property {string} text of the operation, without its fragments
 */

/**
 * What graphql-codegen calls for its `documents`.
 * @param {string} file of the schema
 */
export default async function load(file) {
  const schema = buildSchema(await readFile(file, 'utf8'));
  return parse([...fragmentsOf(schema), ...methodsOf(schema).map(({ text }) => text)].join('\n'));
}

/**
 * Every method of the client, by name.
 * @param {Schema} schema
 * @returns {Method[]}
 */
export function methodsOf(schema) {
  const queries = Object.values(schema.getQueryType()?.getFields() ?? {});
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
  const single = queries.filter(({ args, type }) => args.every(({ name }) => name === 'id') && hasId(getNamedType(type)));
  const below = single
    .filter(({ type }) => isObjectType(getNamedType(type)))
    .flatMap((parent) => {
      const type = /** @type {Composite} */ (getNamedType(parent.type));
      const apart = Object.values(type.getFields()).filter((field) => isApart(type, field));
      return apart.map((field) => queryOf([parent, field]));
    });
  const all = [...queries.map((field) => queryOf([field])), ...below, ...mutations.map(mutationOf)];
  return all.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/**
 * The texts of the fragments: one for each type that has an id, and one for userErrors.
 * @param {Schema} schema
 */
function fragmentsOf(schema) {
  const errors = schema.getType('UserError');
  const kinds = isInterfaceType(errors) ? schema.getPossibleTypes(errors) : [];
  const own = kinds.flatMap((type) => {
    const more = Object.keys(type.getFields()).filter((name) => isInterfaceType(errors) && !(name in errors.getFields()));
    return more.length === 0 ? [] : [`... on ${type.name} { ${more.join(' ')} }`];
  });
  const shown = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && hasId(type));
  const nodes = shown.map((type) => `fragment ${type.name}Fields on ${type.name} { __typename ${fieldsOf(type)} }`);
  return [`fragment UserErrorFields on UserError { __typename code message field ${own.join(' ')} }`, ...nodes];
}

/**
 * @param {readonly Field[]} path
 * @returns {Method}
 */
function queryOf(path) {
  const name = path.map((field, index) => (index === 0 ? field.name : capitalized(field.name))).join('');
  const answered = path.at(-1);
  if (answered === undefined) throw new Error('A query has a field.');
  const args = path.map((field) => field.args.filter((arg) => !BACKWARDS.has(arg.name)));
  const variables = args.flat().map((arg) => `$${arg.name}: ${arg.type}`);
  const selection = path.reduceRight((inner, field, index) => {
    const given = (args[index] ?? []).map((arg) => `${arg.name}: $${arg.name}`);
    return ` { ${field.name}${inBrackets(given)}${inner} }`;
  }, answerOf(answered));
  return { name, kind: kindOf(answered), path, text: `query ${capitalized(name)}${inBrackets(variables)}${selection}` };
}

/**
 * @param {Field} field
 * @returns {Method}
 */
function mutationOf(field) {
  const { name } = field;
  const payload = /** @type {Composite} */ (getNamedType(field.type));
  const selection = Object.values(payload.getFields()).map((one) => {
    const type = getNamedType(one.type);
    if (type.name === 'UserError') return `${one.name} { ...UserErrorFields }`;
    if (isLeafType(type)) return one.name;
    return hasId(type) ? `${one.name} { ...${type.name}Fields }` : `${one.name} { ${fieldsOf(/** @type {Composite} */ (type))} }`;
  });
  const [input] = field.args;
  const text = `mutation ${capitalized(name)}($input: ${input?.type}) { ${name}(input: $input) { ${selection.join(' ')} } }`;
  return { name, kind: 'mutation', path: [field], text };
}

/** @param {Field} field */
function kindOf(field) {
  if (isConnection(field)) return isFeed(field) ? 'feed' : 'connection';
  return field.args.some(({ name }) => name === 'afterId') ? 'list' : 'query';
}

/**
 * What is selected of what a query answers.
 * @param {Field} field
 */
function answerOf(field) {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return '';
  if (isInterfaceType(type)) return ` { __typename ${Object.keys(type.getFields()).join(' ')} }`;
  const shown = /** @type {import('graphql').GraphQLObjectType} */ (type);
  if (!isConnection(field)) return hasId(shown) ? ` { ...${shown.name}Fields }` : ` { ${fieldsOf(shown)} }`;
  const nodes = `{ ...${getNamedType(shown.getFields()['nodes']?.type)?.name}Fields }`;
  // Who reads a feed goes on behind any of its entries.
  return ` { ${isFeed(field) ? `edges { cursor node ${nodes} }` : `nodes ${nodes}`} pageInfo { hasNextPage endCursor } }`;
}

/**
 * What is shown of an object wherever it is.
 * @param {Composite} type
 * @returns {string}
 */
function fieldsOf(type) {
  const shown = Object.values(type.getFields()).filter((field) => !isApart(type, field));
  return shown
    .map((field) => {
      const named = getNamedType(field.type);
      if (isLeafType(named)) return field.name;
      return hasId(named) ? `${field.name} { __typename id }` : `${field.name} { ${fieldsOf(/** @type {Composite} */ (named))} }`;
    })
    .join(' ');
}

/**
 * Is this field asked for by a method of its own?
 * @param {Composite} type
 * @param {Field} field
 */
export function isApart(type, field) {
  const named = getNamedType(field.type);
  const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
  const roles = rolesOf(field);
  const isForFewer = roles !== null && rolesOf(type)?.some((role) => !roles.includes(role));
  // A value of a resource of its own, such as settings: a confined key may see the object without it.
  const isOfItsOwn = !isLeafType(named) && !hasId(named) && rolesOf(field) !== null;
  return isConnection(field) || field.args.length > 0 || (isList && hasId(named)) || isForFewer === true || isOfItsOwn;
}

/**
 * Who may reach it, as `@auth` says; null where it says nothing.
 * @param {Field | Composite} what
 * @returns {string[] | null}
 */
export function rolesOf(what) {
  const auth = what.astNode?.directives?.find((directive) => directive.name.value === 'auth');
  const roles = auth?.arguments?.find(({ name }) => name.value === 'roles');
  return roles === undefined ? null : valueFromASTUntyped(roles.value);
}

/** @param {Field} field */
function isConnection(field) {
  return getNamedType(field.type).name.endsWith('Connection');
}

/** @param {Field} field */
function isFeed(field) {
  return getNamedType(field.type).name === 'EventConnection';
}

/** @param {import('graphql').GraphQLNamedType} type */
function hasId(type) {
  return (isObjectType(type) || isInterfaceType(type)) && 'id' in type.getFields();
}

/** @param {readonly string[]} parts */
function inBrackets(parts) {
  return parts.length === 0 ? '' : `(${parts.join(', ')})`;
}

/** @param {string} name */
export function capitalized(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
