import type { ApolloServerPlugin, GraphQLRequestContextResponseForOperation } from '@apollo/server';
import { type DocumentNode, getVariableValues, Kind, OperationTypeNode, visit } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';

/** How often a document is executed before it is compiled: what is asked once is not worth it. */
const USES_BEFORE_COMPILING = 2;

/**
 * Leaves of GraphQL's own types and of enums are what the rows hold, whose columns have those types; looking at each of
 * thousands again costs more than all the rest of an answer. Our own scalars are written by themselves.
 */
const PLAIN_LEAVES = { disableLeafSerialization: true };

type Query = CompiledQuery['query'];

interface Use {
  count: number;
  /** Null: not compiled yet, or not to be. */
  compiled: Query | null;
}

/**
 * Answers queries that are asked again and again by code compiled for them. Only whole successes are answered so: where
 * anything is wrong, variables or results, the ordinary execution runs and words it, which queries may since they
 * change nothing.
 */
export function compiledQueries<Context extends object>(): ApolloServerPlugin<Context> {
  // Documents are the objects that Apollo keeps validated; what it forgets is forgotten here too.
  const uses = new WeakMap<DocumentNode, Map<string, Use>>();
  return {
    requestDidStart: async () => ({
      responseForOperation: async (request) => {
        const query = compiledFor(uses, request);
        if (query === null || !hasSoundVariables(request)) return null;
        const result = await query(undefined, request.contextValue, request.request.variables);
        if (result.errors !== undefined && result.errors.length > 0) return null;
        return { http: request.response.http, body: { kind: 'single', singleResult: { data: result.data } } };
      },
    }),
  };
}

function compiledFor<Context extends object>(
  uses: WeakMap<DocumentNode, Map<string, Use>>,
  { document, operation, operationName, schema }: GraphQLRequestContextResponseForOperation<Context>,
): Query | null {
  // An operation that the document does not have is refused next; the types do not say that it may be missing.
  if (operation === undefined || operation.operation !== OperationTypeNode.QUERY) return null;
  const ofDocument = uses.get(document) ?? new Map<string, Use>();
  uses.set(document, ofDocument);
  const use = ofDocument.get(operationName ?? '') ?? { count: 0, compiled: null };
  ofDocument.set(operationName ?? '', use);
  use.count += 1;
  if (use.count === USES_BEFORE_COMPILING && isCompilable(document)) {
    const compiled = compileQuery(schema, document, operationName ?? undefined, PLAIN_LEAVES);
    if (isCompiledQuery(compiled)) use.compiled = compiled.query;
  }
  return use.compiled;
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
