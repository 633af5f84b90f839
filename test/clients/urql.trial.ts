import type { Exchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { type Client, type Connection, codeOf, type Documents, seen, seenPayload } from './client.js';
import { registeredDocuments, urqlClient } from './urql.js';

const EXCHANGES = { own: [], registered: [registeredDocuments], automatic: [persistedExchange()] } satisfies Record<
  Connection['mode'],
  Exchange[]
>;

/** urql, tried. */
export function tryUrql({ url, credential, mode }: Connection, documents: Documents): Client {
  let current = credential;
  const client = urqlClient(url, () => current, EXCHANGES[mode]);
  const { CustomerDocument: customer, PaymentsDocument: payments } = documents;
  const page = (customerId: string, after: string | null) => client.query(payments, { customerId, first: 2, after }).toPromise();
  return {
    customer: async (id) => seen((await client.query(customer, { id })).data),
    refetch: async (id) => seen((await client.query(customer, { id }, { requestPolicy: 'network-only' })).data),
    cached: async (id) => seen(client.readQuery(customer, { id })?.data),
    payments: async (customerId) => {
      let { data } = await page(customerId, null);
      while (data?.customer?.payments.pageInfo.hasNextPage) ({ data } = await page(customerId, data.customer.payments.pageInfo.endCursor));
      return data?.customer?.payments.edges.map(({ node }) => node.id) ?? [];
    },
    codeOfError: async (id) => codeOf((await client.query(customer, { id })).error?.graphQLErrors),
    renew: async (next) => {
      current = next;
    },
    attach: async (input) => seenPayload((await client.mutation(documents.AttachCardDocument, { input })).data?.paymentMethodAttach),
    choose: async (id) => seenPayload((await client.mutation(documents.ChooseCardDocument, { id })).data?.paymentMethodSetDefault),
  };
}
