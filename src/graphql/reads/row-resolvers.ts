import { type GraphQLField, type GraphQLSchema, isObjectType } from 'graphql';
import { Extensions } from 'type-graphql';
import { selectedColumnsIn } from './selected-columns.js';

/** A field that is a getter, and which properties of its row that needs. */
export function Getter(...properties: readonly string[]): MethodDecorator & PropertyDecorator {
  return Extensions({ reads: properties, getter: true });
}

/** A list in each row of a list. Its parameters are the row, the arguments, the scope, and the selected columns. */
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
 * Resolves what is resolved for each row without type-graphql. A getter is read as a property. A nested page is called
 * with its arguments as they are: type-graphql makes a class of them, and waits for a validation that there is not.
 */
export function resolveDirectly(schema: GraphQLSchema, resolvers: ReadonlyMap<unknown, object>): void {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields()) as GraphQLField<unknown, unknown>[]) {
      const { getter, nestedPage: page } = field.extensions as Directly;
      if (getter === undefined && page === undefined) continue;
      field.resolve = undefined;
      if (page === undefined) continue;
      const resolver = resolvers.get(page.of) as Record<string, (...parameters: unknown[]) => unknown>;
      field.resolve = (row, args, scope, info) => resolver[page.method]?.(row, args, scope, selectedColumnsIn(info));
    }
  }
}
