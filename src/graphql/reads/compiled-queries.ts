import { setFlagsFromString } from 'node:v8';
import type { ApolloServerPlugin, GraphQLRequestContextResponseForOperation } from '@apollo/server';
import {
  type DocumentNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import { Selections } from '../selection.js';

/** How often a document is executed before it is compiled: what is asked once is not worth it. */
const USES_BEFORE_COMPILING = 2;
/** Fields that all compiled queries have together, and one at most: the code for a field takes some 2 kB. */
const FIELDS_MAX = { ofAll: 12_000, ofOne: 1_000 } as const;

/**
 * Leaves of GraphQL's own types and of enums are what the rows hold, whose columns have those types; looking at each of
 * thousands again costs more than all the rest of an answer. Our own scalars are written by themselves.
 */
const PLAIN_LEAVES = { disableLeafSerialization: true };

type Query = CompiledQuery['query'];

/** An operation of a document that was found valid. */
interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/**
 * Answers queries that are asked again and again by code compiled for them. Only whole successes are answered so: where
 * anything is wrong, variables or results, the ordinary execution runs and words it, which queries may since they
 * change nothing.
 */
export function compiledQueries<Context extends object>(): ApolloServerPlugin<Context> {
  const known = new CompiledQueries();
  return {
    requestDidStart: async () => ({
      responseForOperation: async (request) => {
        // An operation that the document does not have is refused next; the types do not say that it may be missing.
        const { operation, queryHash } = request;
        if (queryHash === undefined || operation?.operation !== OperationTypeNode.QUERY) return null;
        const query = known.find(queryHash, request);
        if (query === null || !hasSoundVariables(request)) return null;
        const result = await query(undefined, request.contextValue, request.request.variables);
        if (result.errors !== undefined && result.errors.length > 0) return null;
        return { http: request.response.http, body: { kind: 'single', singleResult: { data: result.data } } };
      },
    }),
  };
}

/** Whoever has a key can send as many queries as they like: of the compiled ones those used least recently go. */
class CompiledQueries {
  private readonly compiled = new LRUCache<string, { readonly query: Query; readonly fields: number }>({
    maxSize: FIELDS_MAX.ofAll,
    maxEntrySize: FIELDS_MAX.ofOne,
    sizeCalculation: ({ fields }) => fields,
  });
  /** How often an operation was executed since it was read or compiled; documents that are forgotten go from here. */
  private readonly uses = new WeakMap<OperationDefinitionNode, number>();

  /** The code for a query; null until it was asked for often enough, and where it is not to be compiled. */
  find(queryHash: string, asked: Asked): Query | null {
    const key = `${queryHash} ${asked.operation.name?.value ?? ''}`;
    const known = this.compiled.get(key);
    if (known !== undefined) return known.query;
    const uses = (this.uses.get(asked.operation) ?? 0) + 1;
    this.uses.set(asked.operation, uses === USES_BEFORE_COMPILING ? 0 : uses);
    if (uses !== USES_BEFORE_COMPILING || !isCompilable(asked.document)) return null;
    const fields = fieldsOf(asked);
    const query = fields > FIELDS_MAX.ofOne ? null : compile(asked);
    if (query !== null) this.compiled.set(key, { query, fields });
    return query;
  }
}

function compile({ schema, document, operation }: Asked): Query | null {
  // V8 keeps what functions are made of text for ever, however little it is used, for the same text to come again.
  setFlagsFromString('--no-compilation-cache');
  try {
    const compiled = compileQuery(schema, document, operation.name?.value, PLAIN_LEAVES);
    return isCompiledQuery(compiled) ? compiled.query : null;
  } finally {
    setFlagsFromString('--compilation-cache');
  }
}

/** How many fields the code for a query has: those below an interface once for each of its types. */
function fieldsOf({ schema, document, operation }: Asked): number {
  const selections = new Selections(schema, document, {});
  const below = (selectionSet: SelectionSetNode | undefined, type: GraphQLOutputType): number => {
    const named = getNamedType(type);
    if (selectionSet === undefined) return 0;
    const types = isAbstractType(named) ? schema.getPossibleTypes(named) : isObjectType(named) ? [named] : [];
    const fields = types.flatMap((of) =>
      selections.fieldsOf(selectionSet, of).map((node) => ({ node, type: of.getFields()[node.name.value]?.type })),
    );
    return fields.reduce((sum, { node, type: inside }) => sum + 1 + (inside === undefined ? 0 : below(node.selectionSet, inside)), 0);
  };
  const root = schema.getRootType(operation.operation);
  return root ? below(operation.selectionSet, root) : 0;
}

/** Directives and introspection are left to the ordinary execution, which is the reference for what they mean. */
function isCompilable(document: DocumentNode): boolean {
  let isPlain = true;
  visit(document, {
    [Kind.DIRECTIVE]: () => {
      isPlain = false;
    },
    [Kind.FIELD]: ({ name }) => {
      if (name.value === '__schema' || name.value === '__type') isPlain = false;
    },
  });
  return isPlain;
}

function hasSoundVariables<Context extends object>({
  operation,
  schema,
  request,
}: GraphQLRequestContextResponseForOperation<Context>): boolean {
  const definitions = operation.variableDefinitions ?? [];
  return definitions.length === 0 || getVariableValues(schema, definitions, request.variables ?? {}, { maxErrors: 1 }).errors === undefined;
}
