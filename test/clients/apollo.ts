import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { relayStylePagination } from '@apollo/client/utilities';
import { hashOf } from './registered.js';

/** Sends the hashes of registered documents. Leave it out where a document of its own may be sent. */
export const registeredDocuments = new PersistedQueryLink({ generateHash: hashOf });

/** `uri` is the gateway's /graphql, `credential` what is good now: a page asks its backend for a customer session. */
export function apolloClient(uri: string, credential: () => string, links: ApolloLink[] = [registeredDocuments]): ApolloClient {
  const signedIn = new SetContextLink(({ headers }) => ({ headers: { ...headers, authorization: `Bearer ${credential()}` } }));
  return new ApolloClient({
    cache: new InMemoryCache({ typePolicies: { Customer: { fields: { payments: relayStylePagination() } } } }),
    link: ApolloLink.from([...links, signedIn, new HttpLink({ uri })]),
  });
}
