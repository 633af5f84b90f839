import { GraphQLError, type ValidationRule } from 'graphql';

/** Refuses operations that the schema has no root type for: executing them would look like a fault of ours. */
export const knownRootTypes: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    if (context.getSchema().getRootType(operation.operation)) return;
    context.reportError(new GraphQLError(`There are no ${operation.operation}s here.`, { nodes: operation }));
  },
});
