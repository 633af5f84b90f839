import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** A field of Query or Mutation. */
export interface RootField {
  readonly operation: 'query' | 'mutation';
  readonly name: string;
  readonly field: GraphQLField<unknown, unknown>;
}

/** One value a root field takes: an argument, or a field of an input object, by its path. */
export interface InputPlace {
  readonly path: readonly string[];
  readonly type: GraphQLInputType;
}

/** Every query and mutation of a schema. */
export function rootFieldsOf(schema: GraphQLSchema): RootField[] {
  const of = (operation: RootField['operation'], type: GraphQLObjectType | null | undefined): RootField[] =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ operation, name: field.name, field }));
  return [...of('query', schema.getQueryType()), ...of('mutation', schema.getMutationType())];
}

/** Every single value a root field takes, input objects taken apart. */
export function placesOf({ field }: RootField): InputPlace[] {
  return field.args.flatMap((argument) => placesIn([argument.name], argument.type));
}

/** Every single value in a value of a type, by the path that leads to it. */
export function placesIn(path: readonly string[], type: GraphQLInputType): InputPlace[] {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return [{ path, type }];
  return Object.values(named.getFields()).flatMap((field) => placesIn([...path, field.name], field.type));
}

/** Which fields an operation asks for. */
type Choice = (field: GraphQLField<unknown, unknown>) => boolean;

/** The operation that asks for a root field with its arguments as variables, and for all it shows down to `depth` objects that is chosen. */
export function operationOf(root: RootField, depth: number, isChosen: Choice = () => true): string {
  const { name, field, operation } = root;
  const declared = field.args.map((argument) => `$${argument.name}: ${argument.type.toString()}`).join(', ');
  const passed = field.args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  const brackets = (text: string) => (text === '' ? '' : `(${text})`);
  return `${operation}${brackets(declared)} { ${name}${brackets(passed)} ${selectionOf(field.type, depth, isChosen)} }`;
}

/** All leaves of a type, and of the objects in it down to `depth`; empty for a leaf. */
function selectionOf(type: GraphQLOutputType, depth: number, isChosen: Choice): string {
  const named = getNamedType(type);
  if (!isObjectType(named) && !isInterfaceType(named)) return '';
  const fields = Object.values(named.getFields()).flatMap((field) => {
    if (!isChosen(field)) return [];
    if (isLeafType(getNamedType(field.type))) return [field.name];
    return depth > 0 ? [`${field.name} ${selectionOf(field.type, depth - 1, isChosen)}`] : [];
  });
  return `{ ${['__typename', ...fields].join(' ')} }`;
}

/** The least input a root field accepts: every required value, filled in by `fill`. Nested required objects are made whole. */
export function leastVariables(root: RootField, fill: (place: InputPlace) => unknown): Record<string, unknown> {
  const required = root.field.args.filter((argument) => isNonNullType(argument.type));
  return Object.fromEntries(required.map((argument) => [argument.name, leastValue([argument.name], argument.type, fill)]));
}

/** The least value of a type. */
export function leastValue(path: readonly string[], type: GraphQLInputType, fill: (place: InputPlace) => unknown): unknown {
  const bare = isNonNullType(type) ? type.ofType : type;
  if (isListType(bare)) return [];
  if (isEnumType(bare)) return bare.getValues()[0]?.name;
  if (!isInputObjectType(bare)) return fill({ path, type });
  const required = Object.values(bare.getFields()).filter((field) => isNonNullType(field.type));
  return Object.fromEntries(required.map((field) => [field.name, leastValue([...path, field.name], field.type, fill)]));
}

/** A copy of variables with the value at a path replaced. */
export function withValueAt(
  variables: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const [head = '', ...rest] = path;
  if (rest.length === 0) return { ...variables, [head]: value };
  return { ...variables, [head]: withValueAt((variables[head] ?? {}) as Record<string, unknown>, rest, value) };
}
