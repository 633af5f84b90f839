import { Client, type Exchange, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';
import { hashOf } from './registered.js';

/** Sends the hashes of registered documents. Leave it out where a document of its own may be sent. */
export const registeredDocuments = persistedExchange({
  generateHash: async (_, document) => hashOf(document),
  enforcePersistedQueries: true,
  enableForMutation: true,
});

/** `url` is the gateway's /graphql, `credential` what is good now: a page asks its backend for a customer session. */
export function urqlClient(url: string, credential: () => string, exchanges: Exchange[] = [registeredDocuments]): Client {
  const cache = cacheExchange({
    // Money has no id: it belongs to what it is the price of.
    keys: { Money: () => null },
    resolvers: { Customer: { payments: relayPagination() } },
  });
  return new Client({
    url,
    exchanges: [cache, ...exchanges, fetchExchange],
    fetchOptions: () => ({ headers: { authorization: `Bearer ${credential()}` } }),
  });
}
