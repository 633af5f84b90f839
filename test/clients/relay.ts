import { Environment, type FetchFunction, type GraphQLResponse, Network, RecordSource, Store } from 'relay-runtime';

/** `url` is the gateway's /graphql, `credential` what is good now: a page asks its backend for a customer session. */
export function relayEnvironment(url: string, credential: () => string): Environment {
  const ask: FetchFunction = async ({ id, text }, variables) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${credential()}` };
    // The compiler writes the hash where documents are persisted, the text where they are not.
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ doc_id: id, query: text, variables }) });
    return (await response.json()) as GraphQLResponse;
  };
  return new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
}
