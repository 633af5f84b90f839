import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { createParameterDecorator, Extensions } from 'type-graphql';

/** The columns that an operation selects of a list's rows: properties with commas between. Undefined: not known. */
export type SelectedColumns = string | undefined;

/** Which columns of its row a resolver reads, unless it is the one of its own name. The id is always there. */
export function Reads(...properties: readonly string[]): MethodDecorator & PropertyDecorator {
  return Extensions({ reads: properties });
}

/** A parameter of a resolver that answers with a connection of rows: the columns that are selected of them. */
export function Selected(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator(({ info }): SelectedColumns => selectedColumnsIn(info));
}

/** A field of a document always selects the same, and documents are kept between requests. */
const columnsOfField = new WeakMap<FieldNode, string>();

/** The columns that a field selects of its connection's rows. With directives these may be more than are needed. */
export function selectedColumnsIn(info: GraphQLResolveInfo): SelectedColumns {
  const [field, ...others] = info.fieldNodes;
  const type = getNamedType(info.returnType);
  if (field?.selectionSet === undefined || others.length > 0 || !isObjectType(type)) return undefined;
  const known = columnsOfField.get(field);
  if (known !== undefined) return known;
  const columns = new Set<string>();
  collect(columns, { info, item: getNamedType(type.getFields()['nodes']?.type), type, selectionSet: field.selectionSet });
  const made = [...columns].join();
  columnsOfField.set(field, made);
  return made;
}

interface Place {
  readonly info: GraphQLResolveInfo;
  /** The type of the rows. */
  readonly item: unknown;
  readonly type: GraphQLObjectType;
  readonly selectionSet: SelectionSetNode;
}

function collect(columns: Set<string>, { info, item, type, selectionSet }: Place): void {
  for (const selection of selectionSet.selections) {
    if (selection.kind !== Kind.FIELD) {
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
      if (fragment !== undefined) collect(columns, { info, item, type, selectionSet: fragment.selectionSet });
      continue;
    }
    const field = type.getFields()[selection.name.value];
    if (field === undefined) continue;
    const inside = getNamedType(field.type);
    if (type === item) for (const property of propertiesOf(field)) columns.add(property);
    else if (selection.selectionSet !== undefined && isObjectType(inside))
      collect(columns, { info, item, type: inside, selectionSet: selection.selectionSet });
  }
}

function propertiesOf(field: GraphQLField<unknown, unknown>): readonly string[] {
  return (field.extensions['reads'] as readonly string[] | undefined) ?? [field.name];
}
