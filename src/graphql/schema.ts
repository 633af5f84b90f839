import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { type BuildSchemaOptions, buildSchema, type ContainerType } from 'type-graphql';
import { checkAccess } from './access.js';
import { DateTimeScalar } from './scalars.js';
import { GenericUserError, PaymentDeclined, RetryLater } from './user-errors.js';

type Resolvers = BuildSchemaOptions['resolvers'];

/** Objects that only implement an interface, and that no field names. */
const ORPHANS = [GenericUserError, PaymentDeclined, RetryLater];

/** The executable schema of resolvers made in the composition root. Inputs are checked by `respond`, not here. */
export function createSchema(resolvers: readonly object[]): Promise<GraphQLSchema> {
  const made = new Map<unknown, object>(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const container: ContainerType = { get: (resolverClass) => made.get(resolverClass) };
  return buildSchema({
    resolvers: [...made.keys()] as unknown as Resolvers,
    container,
    authChecker: checkAccess,
    orphanedTypes: ORPHANS,
    scalarsMap: [{ type: Date, scalar: DateTimeScalar }],
    validate: false,
  });
}

/** The schema as it is committed: sorted, so that a diff shows what changed. */
export function printedSchema(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
