import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLField, GraphQLSchema } from 'graphql';
import type { Scope } from '../platform/tenancy/scope.js';
import { ASK_AGAIN_SECONDS } from './errors.js';

/** What became of a mutation, told in `extensions.outcome`. */
interface MutationOutcome {
  readonly operation: string;
  /** The id of the row it is about; null where there is none. */
  readonly id: string | null;
  /** The row's status; null where rows of its kind have none. */
  readonly status: string | null;
  readonly userErrors: readonly { readonly code: string; readonly message: string }[];
}

/** Has the scope of a request remember which mutation is carried out, and what its mutations answered. */
export function noteAnswers(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {}) as GraphQLField<unknown, Scope>[]) {
    const { resolve } = field;
    field.resolve = async (source, args, scope, info) => {
      scope.request.mutation = field.name;
      const payload: unknown = await resolve?.(source, args, scope, info);
      scope.request.answers.push({ operation: field.name, payload });
      return payload;
    };
  }
}

/**
 * Tells in `extensions` what became of a mutation where something below it failed: GraphQL may have taken its row out
 * of the data by then, and the caller must not believe that nothing was done. Such an answer is 200, whatever failed.
 * Nothing of the row but its id and its status is told, which whoever may send a mutation may see.
 */
export const TELL_OUTCOME: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response }) => {
      const [answer, ...others] = contextValue.request.answers;
      if (answer === undefined || others.length > 0 || response.body.kind !== 'single') return;
      const { singleResult } = response.body;
      if ((singleResult.errors ?? []).length === 0) return;
      singleResult.extensions = { ...singleResult.extensions, outcome: outcomeOf(answer.operation, answer.payload) };
      response.http.status = 200;
    },
  }),
};

/**
 * Answers 503 where the database could not do a part of what was asked: clients, and proxies between, repeat such a
 * request by themselves, and with its keys nothing is done twice.
 */
export const TELL_UNAVAILABLE: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { body, http } }) => {
      if (body.kind !== 'single' || !body.singleResult.errors?.some(({ extensions }) => extensions?.['code'] === 'UNAVAILABLE')) return;
      http.status = 503;
      http.headers.set('retry-after', String(ASK_AGAIN_SECONDS));
    },
  }),
};

function outcomeOf(operation: string, payload: unknown): MutationOutcome {
  const { userErrors = [], ...rest } = (payload ?? {}) as { readonly userErrors?: MutationOutcome['userErrors'] };
  const row = Object.values(rest).find((value): value is Row => typeof value === 'object' && value !== null && 'id' in value);
  const told = userErrors.map(({ code, message }) => ({ code, message }));
  return { operation, id: row?.id ?? null, status: row?.status ?? null, userErrors: told };
}

interface Row {
  readonly id: string;
  readonly status?: string;
}
