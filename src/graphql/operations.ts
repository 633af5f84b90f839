import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import { isPassing } from '../platform/db/outage.js';
import { AppError, UserErrorCode } from '../platform/errors.js';
import type { Metrics } from '../platform/metrics.js';
import { inSpan } from '../platform/spans.js';
import type { Scope } from '../platform/tenancy/scope.js';

/** Stands for the field where an answer was refused before any field was reached. */
const NO_FIELD = 'none';
/** Stands for every field below the root. */
const NESTED_FIELD = 'nested';

/** What alerts look for is there from the start, at zero, so that the first one counts as a rise. */
const PROCESSOR_OUTCOMES = [UserErrorCode.PROCESSOR_REJECTED, UserErrorCode.PROCESSOR_UNAVAILABLE, UserErrorCode.OUTCOME_UNKNOWN];

/**
 * Counts how every root field of the schema is answered: OK, the code of its first user error, or the code of its
 * error. Counted where it is resolved, because a document need not ask for userErrors.
 */
export function countRootFields(schema: GraphQLSchema, metrics: Metrics): void {
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const { resolve } = field;
      const step = () => ({ kind: 'graphql', name: `${type?.name.toLowerCase()} ${field.name}` }) as const;
      const count = (outcome: string) => metrics.graphqlOperations.inc({ field: field.name, outcome });
      for (const outcome of ['OK', 'INTERNAL', 'UNAVAILABLE', ...(type === schema.getMutationType() ? PROCESSOR_OUTCOMES : [])]) {
        metrics.graphqlOperations.inc({ field: field.name, outcome }, 0);
      }
      field.resolve = async (source, args, context, info) => {
        try {
          const value: unknown = await inSpan(step(), async () => resolve?.(source, args, context, info));
          count(userErrorOf(value) ?? 'OK');
          return value;
        } catch (error) {
          count(codeOf(error));
          throw error;
        }
      };
    }
  }
}

/** Counts an answer that was refused before any field was reached. */
export function countRefusal(metrics: Metrics, error: unknown): void {
  metrics.graphqlOperations.inc({ field: NO_FIELD, outcome: codeOf(error) });
}

/** Counts what is refused before a field is reached, and what fails below the root. */
export function countRefusals(metrics: Metrics): ApolloServerPlugin<Scope> {
  for (const field of [NO_FIELD, NESTED_FIELD])
    for (const outcome of ['INTERNAL', 'UNAVAILABLE']) metrics.graphqlOperations.inc({ field, outcome }, 0);
  return {
    contextCreationDidFail: async ({ error }) => countRefusal(metrics, error),
    requestDidStart: async () => ({
      willSendResponse: async ({ response }) => {
        if (response.body.kind !== 'single') return;
        const { errors = [] } = response.body.singleResult;
        const [refusal] = errors.filter(({ path }) => path === undefined);
        if (refusal !== undefined) countRefusal(metrics, refusal);
        for (const error of errors.filter(({ path }) => path !== undefined && path.length > 1))
          metrics.graphqlOperations.inc({ field: NESTED_FIELD, outcome: codeOf(error) });
      },
    }),
  };
}

function userErrorOf(value: unknown): string | undefined {
  const { userErrors = [] } = (value ?? {}) as { readonly userErrors?: readonly { readonly code: string }[] };
  return userErrors[0]?.code;
}

function codeOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  if (isPassing(error)) return 'UNAVAILABLE';
  const { extensions } = error as Partial<GraphQLFormattedError>;
  return typeof extensions?.['code'] === 'string' ? extensions['code'] : 'INTERNAL';
}
