import { collectFields } from '@graphql-tools/utils';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/**
 * What the operations of a document select, as execution would find it: through fragments, without what @skip and
 * @include leave out.
 */
export class Selections {
  private readonly fragments: Record<string, FragmentDefinitionNode>;

  constructor(
    readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Readonly<Record<string, unknown>>,
  ) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment]));
  }

  /** The fields selected on `type`, those of one name together. Throws GraphQLError for an unreadable directive. */
  fieldsOf(selections: SelectionSetNode, type: GraphQLObjectType): readonly FieldNode[] {
    const { fields, patches } = collectFields(this.schema, this.fragments, this.variables, type, selections);
    // What @defer would put off is selected all the same, should a schema ever have it.
    return [fields, ...patches.map((patch) => patch.fields)].flatMap((named) => [...named.values()].flat());
  }
}
