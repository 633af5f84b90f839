import { GraphQLClient } from 'graphql-request';

/** `url` is the gateway's /graphql, `credential` what is good now. */
export function requestClient(url: string, credential: () => string): GraphQLClient {
  return new GraphQLClient(url, { headers: () => ({ authorization: `Bearer ${credential()}` }) });
}
