import { ApolloLink, CombinedGraphQLErrors } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { apolloClient, registeredDocuments } from './apollo.js';
import { type Client, type Connection, codeOf, type Documents, seen, seenPayload } from './client.js';
import { sha256 } from './sha256.js';

const LINKS = { own: [], registered: [registeredDocuments], automatic: [new PersistedQueryLink({ sha256 })] } satisfies Record<
  Connection['mode'],
  ApolloLink[]
>;

/** Apollo Client, tried. */
export function tryApollo({ url, credential, mode }: Connection, documents: Documents): Client {
  let current = credential;
  const client = apolloClient(url, () => current, LINKS[mode]);
  const { CustomerDocument: customer, PaymentsDocument: payments } = documents;
  return {
    customer: async (id) => seen((await client.query({ query: customer, variables: { id } })).data),
    refetch: async (id) => seen((await client.query({ query: customer, variables: { id }, fetchPolicy: 'network-only' })).data),
    cached: async (id) => seen(client.readQuery({ query: customer, variables: { id } })),
    payments: async (customerId) => {
      // The cache joins the pages, so that the last answer has all of them.
      const read = async (after: string | null) =>
        (await client.query({ query: payments, variables: { customerId, first: 2, after }, fetchPolicy: 'network-only' })).data;
      let data = await read(null);
      while (data?.customer?.payments.pageInfo.hasNextPage) data = await read(data.customer.payments.pageInfo.endCursor);
      return data?.customer?.payments.edges.map(({ node }) => node.id) ?? [];
    },
    codeOfError: async (id) => {
      const error: unknown = await client.query({ query: customer, variables: { id } }).catch((thrown: unknown) => thrown);
      return CombinedGraphQLErrors.is(error) ? codeOf(error.errors) : String(error);
    },
    renew: async (next) => {
      current = next;
    },
    attach: async (input) =>
      seenPayload((await client.mutate({ mutation: documents.AttachCardDocument, variables: { input } })).data?.paymentMethodAttach),
    choose: async (id) =>
      seenPayload((await client.mutate({ mutation: documents.ChooseCardDocument, variables: { id } })).data?.paymentMethodSetDefault),
  };
}
