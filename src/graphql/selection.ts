import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  type NamedTypeNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The values of an operation's variables, as execution reads them; null where nothing is known of them. */
export type KnownVariables = Readonly<Record<string, unknown>> | null;

/**
 * What the operations of a document select, as execution would find it: through fragments, without what @skip and
 * @include leave out. Where nothing is known of the variables, nothing is left out.
 */
export class Selections {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(
    readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: KnownVariables,
  ) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
  }

  /** The fields selected on `type`, in order and with repetitions. Throws GraphQLError for an unreadable directive. */
  *fieldsOf(selections: SelectionSetNode, type: GraphQLObjectType, spread = new Set<string>()): Generator<FieldNode> {
    for (const selection of selections.selections) {
      if (!this.isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        yield selection;
        continue;
      }
      const fragment = this.fragmentOf(selection, spread);
      if (fragment !== null && this.isFor(fragment.typeCondition, type)) yield* this.fieldsOf(fragment.selectionSet, type, spread);
    }
  }

  private isIncluded(selection: SelectionNode): boolean {
    if (this.variables === null) return true;
    const isSkipped = getDirectiveValues(GraphQLSkipDirective, selection, this.variables)?.['if'] === true;
    return !isSkipped && getDirectiveValues(GraphQLIncludeDirective, selection, this.variables)?.['if'] !== false;
  }

  /** A fragment is gone through once in a selection, however often it is spread there. */
  private fragmentOf(
    selection: Exclude<SelectionNode, FieldNode>,
    spread: Set<string>,
  ): InlineFragmentNode | FragmentDefinitionNode | null {
    if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
    const name = selection.name.value;
    if (spread.has(name)) return null;
    spread.add(name);
    return this.fragments.get(name) ?? null;
  }

  private isFor(condition: NamedTypeNode | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition.name.value === type.name) return true;
    const named = this.schema.getType(condition.name.value);
    return isAbstractType(named) && this.schema.isSubType(named, type);
  }
}
