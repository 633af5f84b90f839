import { GraphQLError, type GraphQLObjectType, Kind, type SelectionSetNode, type ValidationContext, type ValidationRule } from 'graphql';

/** Refuses operations that the schema has no root type for: executing them would look like a fault of ours. */
export const knownRootTypes: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    if (context.getSchema().getRootType(operation.operation)) return;
    context.reportError(new GraphQLError(`There are no ${operation.operation}s here.`, { nodes: operation }));
  },
});

/** What a field's extensions say when it moves money: `@Extensions(MOVES_MONEY)`. */
export const MOVES_MONEY = { movesMoney: true } as const;

/**
 * Refuses operations with more than one field that moves money, before anything runs: if the second failed, the answer to
 * the first would be lost in the same response. @skip and @include are not looked at, because variables decide them.
 */
export const oneMoneyMutation: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    const root = context.getSchema().getRootType(operation.operation);
    const moving = root ? countMoving(context, root, operation.selectionSet, new Set()) : 0;
    if (moving <= 1) return;
    context.reportError(
      new GraphQLError(`This operation moves money ${moving} times: send one such mutation in an operation.`, { nodes: operation }),
    );
  },
});

function countMoving(context: ValidationContext, root: GraphQLObjectType, selections: SelectionSetNode, seen: ReadonlySet<string>): number {
  let count = 0;
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) {
      count += root.getFields()[selection.name.value]?.extensions.movesMoney === true ? 1 : 0;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      count += countMoving(context, root, selection.selectionSet, seen);
    } else if (!seen.has(selection.name.value)) {
      const fragment = context.getFragment(selection.name.value);
      const inside = new Set([...seen, selection.name.value]);
      count += fragment ? countMoving(context, root, fragment.selectionSet, inside) : 0;
    }
  }
  return count;
}
