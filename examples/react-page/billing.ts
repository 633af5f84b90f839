import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { relayStylePagination } from '@apollo/client/utilities';
import { type Payment, type PaymentMethod, possibleTypes } from '@billing-gateway/client';
import type { TilledPlace } from './tilled.js';

/** What the backend gives the page. */
export interface Session {
  readonly token: string;
  readonly customerId: string;
  readonly url: string;
  readonly tilled: TilledPlace;
}

/** A refusal, as the API words it. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface ShopData {
  readonly customer: {
    readonly id: string;
    readonly paymentMethods: readonly Pick<PaymentMethod, '__typename' | 'id' | 'brand' | 'last4' | 'isDefault'>[];
    readonly payments: { readonly nodes: readonly Pick<Payment, '__typename' | 'id' | 'status' | 'failureCode' | 'amount'>[] };
  } | null;
}

interface AttachData {
  readonly paymentMethodAttach: { readonly paymentMethod: { readonly id: string } | null; readonly userErrors: readonly Refusal[] };
}

/** The customer's cards and payments. */
export const SHOP: TypedDocumentNode<ShopData, { id: string }> = gql`
  query Shop($id: ID!) {
    customer(id: $id) {
      id
      paymentMethods { id brand last4 isDefault }
      payments(first: 20) { nodes { id status failureCode amount { amountMinor decimal currency } } }
    }
  }
`;

/** Attaches a card that tilled.js collected. */
export const ATTACH: TypedDocumentNode<
  AttachData,
  { input: { customerId: string; tilledPaymentMethodId: string; idempotencyKey: string } }
> = gql`
  mutation Attach($input: PaymentMethodAttachInput!) {
    paymentMethodAttach(input: $input) {
      paymentMethod { id brand last4 isDefault }
      userErrors { code message }
    }
  }
`;

/** Asks the backend of this page. Throws an Error whose message is the code. */
export async function askBackend<Answer>(path: string, body: object = {}): Promise<Answer> {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.code);
  return answer;
}

/** Apollo Client, with the session of the customer. */
export function apolloClient({ url, token }: Session): ApolloClient {
  const signedIn = new SetContextLink(({ headers }) => ({ headers: { ...headers, authorization: `Bearer ${token}` } }));
  return new ApolloClient({
    cache: new InMemoryCache({ possibleTypes, typePolicies: { Customer: { fields: { payments: relayStylePagination() } } } }),
    link: ApolloLink.from([signedIn, new HttpLink({ uri: url })]),
  });
}
