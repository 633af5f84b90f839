import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { createParameterDecorator, Extensions } from 'type-graphql';

/** The properties that an operation reads of a list's rows, separated by commas; undefined if not known. */
export type Asked = string | undefined;

/** Which properties of its row a resolver needs, if not that of its own name: none for a list by its parent's id. */
export function Reads(...properties: readonly string[]): MethodDecorator & PropertyDecorator {
  return Extensions({ reads: properties });
}

/** A field that is a getter, and which properties of its row that needs. */
export function Getter(...properties: readonly string[]): MethodDecorator & PropertyDecorator {
  return Extensions({ reads: properties, getter: true });
}

/** A parameter of a resolver whose connection shows rows: what is asked of them, so that no other column is read. */
export function AskedOfRows(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator(({ info }): Asked => askedIn(info));
}

/** A list in each row of a list. Its parameters are: the row, the arguments, the scope, what is asked of its rows. */
export function NestedPage(): MethodDecorator {
  return (target, method) => {
    const decorate = Extensions({ nestedPage: { of: target.constructor, method } }) as MethodDecorator;
    decorate(target, method, {});
  };
}

interface Directly {
  readonly getter?: true;
  readonly nestedPage?: { readonly of: unknown; readonly method: string };
}

/**
 * Takes type-graphql from between what is resolved for each row: a getter is read as the property it is, and a nested
 * page is called with its arguments as they are, where type-graphql makes a class of them and waits for a validation
 * that there is not.
 */
export function resolveDirectly(schema: GraphQLSchema, resolvers: ReadonlyMap<unknown, object>): void {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields()) as GraphQLField<unknown, unknown>[]) {
      const { getter, nestedPage: page } = field.extensions as Directly;
      if (getter === undefined && page === undefined) continue;
      field.resolve = undefined;
      if (page === undefined) continue;
      const resolver = resolvers.get(page.of) as Record<string, (...parameters: unknown[]) => unknown>;
      field.resolve = (row, args, scope, info) => resolver[page.method]?.(row, args, scope, askedIn(info));
    }
  }
}

/** A field of a document always asks the same, and documents are kept between requests. */
const askedByField = new WeakMap<FieldNode, string>();

/** A directive may leave out some of it: it is at least what is needed. */
function askedIn(info: GraphQLResolveInfo): Asked {
  const [field, ...others] = info.fieldNodes;
  const type = getNamedType(info.returnType);
  if (field?.selectionSet === undefined || others.length > 0 || !isObjectType(type)) return undefined;
  const known = askedByField.get(field);
  if (known !== undefined) return known;
  const asked = new Set<string>();
  collect(asked, { info, item: getNamedType(type.getFields()['nodes']?.type), type, selectionSet: field.selectionSet });
  const made = [...asked].join();
  askedByField.set(field, made);
  return made;
}

interface Place {
  readonly info: GraphQLResolveInfo;
  /** The type of the rows. */
  readonly item: unknown;
  readonly type: GraphQLObjectType;
  readonly selectionSet: SelectionSetNode;
}

function collect(asked: Set<string>, { info, item, type, selectionSet }: Place): void {
  for (const selection of selectionSet.selections) {
    if (selection.kind !== Kind.FIELD) {
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
      if (fragment !== undefined) collect(asked, { info, item, type, selectionSet: fragment.selectionSet });
      continue;
    }
    const field = type.getFields()[selection.name.value];
    if (field === undefined) continue;
    const inside = getNamedType(field.type);
    if (type === item) for (const property of propertiesOf(field)) asked.add(property);
    else if (selection.selectionSet !== undefined && isObjectType(inside))
      collect(asked, { info, item, type: inside, selectionSet: selection.selectionSet });
  }
}

function propertiesOf(field: GraphQLField<unknown, unknown>): readonly string[] {
  return (field.extensions['reads'] as readonly string[] | undefined) ?? [field.name];
}
