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
    const moving = root ? countMoving(context, root, operation.selectionSet, new Map()) : 0;
    if (moving <= 1) return;
    context.reportError(
      new GraphQLError(`This operation moves money ${moving} times: send one such mutation in an operation.`, { nodes: operation }),
    );
  },
});

/** Fragments are counted once each, however often they are spread: counting along every path would take for ever. */
function countMoving(
  context: ValidationContext,
  root: GraphQLObjectType,
  selections: SelectionSetNode,
  counts: Map<string, number>,
): number {
  let count = 0;
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) {
      count += root.getFields()[selection.name.value]?.extensions.movesMoney === true ? 1 : 0;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      count += countMoving(context, root, selection.selectionSet, counts);
    } else {
      count += countInFragment(context, root, selection.name.value, counts);
    }
  }
  return count;
}

function countInFragment(context: ValidationContext, root: GraphQLObjectType, name: string, counts: Map<string, number>): number {
  const known = counts.get(name);
  if (known !== undefined) return known;
  const fragment = context.getFragment(name);
  // A fragment that spreads itself is refused by another rule.
  counts.set(name, 0);
  const count = fragment ? countMoving(context, root, fragment.selectionSet, counts) : 0;
  counts.set(name, count);
  return count;
}
