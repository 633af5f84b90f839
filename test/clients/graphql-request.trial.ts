import { ClientError, type GraphQLClient } from 'graphql-request';
import {
  type CardInput,
  type Client,
  type Connection,
  type CustomerData,
  codeOf,
  type PageVariables,
  type PayloadData,
  type PaymentsData,
  seen,
  seenPayload,
} from './client.js';
import { requestClient } from './graphql-request.js';

/** The generated SDK: what graphql-codegen makes of documents/billing.graphql for graphql-request. */
export interface Sdk {
  Customer(variables: { id: string | null }): Promise<CustomerData>;
  Payments(variables: PageVariables): Promise<PaymentsData>;
  AttachCard(variables: { input: CardInput }): Promise<{ readonly paymentMethodAttach: PayloadData }>;
  ChooseCard(variables: { id: string }): Promise<{ readonly paymentMethodSetDefault: PayloadData }>;
}

/** The methods of the SDK without it: the texts that were registered, sent as they are. */
export function registeredSdk(client: GraphQLClient, texts: Readonly<Record<string, string>>): Sdk {
  const ask = (name: string) => (variables: object) => client.request(texts[name] ?? '', variables);
  return { Customer: ask('Customer'), Payments: ask('Payments'), AttachCard: ask('AttachCard'), ChooseCard: ask('ChooseCard') } as Sdk;
}

/** graphql-request, tried: it has no cache. */
export function tryRequest({ url, credential }: Connection, sdkOf: (client: GraphQLClient) => Sdk): Client {
  let current = credential;
  const sdk = sdkOf(requestClient(url, () => current));
  const customer = async (id: string) => seen(await sdk.Customer({ id }));
  return {
    customer,
    refetch: customer,
    cached: async () => null,
    payments: async (customerId) => {
      const ids: string[] = [];
      let after: string | null = null;
      do {
        const page: PaymentsData = await sdk.Payments({ customerId, first: 2, after });
        ids.push(...(page.customer?.payments.edges.map(({ node }) => node.id) ?? []));
        after = page.customer?.payments.pageInfo.hasNextPage ? page.customer.payments.pageInfo.endCursor : null;
      } while (after !== null);
      return ids;
    },
    codeOfError: async (id) => {
      const error: unknown = await sdk.Customer({ id }).catch((thrown: unknown) => thrown);
      return error instanceof ClientError ? codeOf(error.response.errors) : String(error);
    },
    renew: async (next) => {
      current = next;
    },
    attach: async (input) => seenPayload((await sdk.AttachCard({ input })).paymentMethodAttach),
    choose: async (id) => seenPayload((await sdk.ChooseCard({ id })).paymentMethodSetDefault),
  };
}
