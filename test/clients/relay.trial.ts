import {
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  type GraphQLTaggedNode,
  getRequest,
  type IEnvironment,
  type OperationType,
  type Variables,
} from 'relay-runtime';
import {
  type CardInput,
  type Client,
  type Connection,
  type CustomerData,
  codeOf,
  type PayloadData,
  type PaymentsData,
  seen,
  seenPayload,
} from './client.js';
import { relayEnvironment } from './relay.js';

/** What relay-compiler makes of src/Billing.js, by the names of the operations. */
export type RelayArtifacts = Readonly<
  Record<'BillingCustomerQuery' | 'BillingPaymentsQuery' | 'BillingAttachCardMutation' | 'BillingChooseCardMutation', GraphQLTaggedNode>
>;

interface CustomerQuery extends OperationType {
  readonly response: CustomerData;
}

/** Relay without React, tried: `mode` is how its documents were compiled. */
export function tryRelay({ url, credential }: Connection, documents: RelayArtifacts): Client {
  let current = credential;
  const environment = relayEnvironment(url, () => current);
  const ask = <Query extends OperationType>(
    document: GraphQLTaggedNode,
    variables: Variables,
    fetchPolicy: 'network-only' | 'store-or-network',
  ) => fetchQuery<Query>(environment, document, variables, { fetchPolicy }).toPromise();
  const customer = async (id: string, policy: 'network-only' | 'store-or-network') =>
    seen(await ask<CustomerQuery>(documents.BillingCustomerQuery, { id }, policy));
  return {
    customer: (id) => customer(id, 'store-or-network'),
    refetch: (id) => customer(id, 'network-only'),
    cached: async (id) => seen(stored(environment, documents.BillingCustomerQuery, { id }) as CustomerData),
    payments: async (customerId) => {
      const variables = { customerId, first: 2, after: null };
      await ask(documents.BillingPaymentsQuery, variables, 'network-only');
      const all = () => (stored(environment, documents.BillingPaymentsQuery, variables) as PaymentsData).customer?.payments;
      for (let list = all(); list?.pageInfo.hasNextPage; list = all())
        await ask(documents.BillingPaymentsQuery, { ...variables, after: list.pageInfo.endCursor }, 'network-only');
      return all()?.edges.map(({ node }) => node.id) ?? [];
    },
    codeOfError: async (id) => {
      const asked = ask<CustomerQuery>(documents.BillingCustomerQuery, { id }, 'network-only');
      const error = (await asked.catch((thrown: unknown) => thrown)) as { readonly source?: { readonly errors?: readonly object[] } };
      return codeOf(error.source?.errors);
    },
    renew: async (next) => {
      current = next;
    },
    attach: (input: CardInput) => mutated(environment, documents.BillingAttachCardMutation, { input }),
    choose: (id) => mutated(environment, documents.BillingChooseCardMutation, { id }),
  };
}

/** What the store has for an operation. */
function stored(environment: IEnvironment, document: GraphQLTaggedNode, variables: Variables): unknown {
  return environment.lookup(createOperationDescriptor(getRequest(document), variables).fragment).data;
}

function mutated(environment: IEnvironment, mutation: GraphQLTaggedNode, variables: Variables) {
  return new Promise<ReturnType<typeof seenPayload>>((resolve, reject) => {
    commitMutation(environment, {
      mutation,
      variables,
      onCompleted: (response) => resolve(seenPayload(Object.values(response as Record<string, PayloadData>)[0])),
      onError: reject,
    });
  });
}
