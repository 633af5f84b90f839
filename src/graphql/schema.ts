import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { type GraphQLSchema, lexicographicSortSchema, specifiedDirectives } from 'graphql';
import { type BuildSchemaOptions, buildSchema, type ContainerType } from 'type-graphql';
import { AUTH_DIRECTIVE, declareAccess } from './access-declaration.js';
import { tidyArguments } from './input-texts.js';
import { assertMoneyIsSaid } from './money.js';
import { noteAnswers } from './outcome.js';
import { resolveDirectly } from './reads/row-resolvers.js';
import { DateTimeScalar } from './scalars.js';
import { GenericUserError, PaymentDeclined, RetryLater } from './user-errors.js';

type Resolvers = BuildSchemaOptions['resolvers'];

/** Objects that only implement an interface, and that no field names. */
const ORPHANS = [GenericUserError, PaymentDeclined, RetryLater];

/** The executable schema of resolvers made in the composition root. Inputs are checked by `respond`, not here. */
export async function createSchema(resolvers: readonly object[]): Promise<GraphQLSchema> {
  const made = new Map<unknown, object>(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const container: ContainerType = { get: (resolverClass) => made.get(resolverClass) };
  const schema = await buildSchema({
    resolvers: [...made.keys()] as unknown as Resolvers,
    container,
    orphanedTypes: ORPHANS,
    scalarsMap: [{ type: Date, scalar: DateTimeScalar }],
    directives: [...specifiedDirectives, AUTH_DIRECTIVE],
    validate: false,
  });
  describeRoots(schema);
  resolveDirectly(schema, made);
  declareAccess(schema);
  assertMoneyIsSaid(schema);
  noteAnswers(schema);
  tidyArguments(schema);
  return schema;
}

/** type-graphql makes the two roots itself, without words. */
function describeRoots(schema: GraphQLSchema): void {
  const [query, mutation] = [schema.getQueryType(), schema.getMutationType()];
  if (query) query.description = 'What can be read. Nothing is changed by it, and all of it is of the app of the credential.';
  if (mutation)
    mutation.description =
      'What can be done. Expected failures are in the `userErrors` of the payload, each with a code that says what to do. A mutation that may move money stands alone in its operation.';
}

/** The schema as it is committed: sorted, so that a diff shows what changed, and with who may reach what. */
export function printedSchema(schema: GraphQLSchema): string {
  return `${printSchemaWithDirectives(lexicographicSortSchema(schema))}\n`;
}
