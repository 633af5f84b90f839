/** The two reads that are measured, in the words of our schema, which the GraphQL peers share. */
const MONEY = '{ amountMinor currency decimal }';
const SUBSCRIPTION = `id status planCode price ${MONEY} intervalUnit intervalCount currentPeriodEnd`;

const READ_ONE = `query Customer($id: ID!) {
  customer(id: $id) {
    id email name createdAt
    defaultPaymentMethod { id type brand last4 expMonth expYear }
    subscriptions(first: 10) { nodes { ${SUBSCRIPTION} } }
    payments(first: 20) { nodes { id status amount ${MONEY} captured ${MONEY} refunded ${MONEY} description createdAt } }
  }
}`;

const READ_LIST = `query Customers($after: String) {
  customers(first: 50, after: $after) { nodes { id email name createdAt subscriptions(first: 10) { nodes { ${SUBSCRIPTION} } } } }
}`;

const json = { 'content-type': 'application/json' };

/** Requests for one customer after the other. */
export function readOneRequests(customerIds, headers = {}) {
  return customerIds.map((id) => ({
    method: 'POST',
    path: '/graphql',
    headers: { ...json, ...headers },
    body: JSON.stringify({ query: READ_ONE, variables: { id } }),
  }));
}

/** Requests for one page after the other, of the server at `url`: with its own cursors, since a list may refuse those of others. */
export async function readListRequests(url, customerIds, headers = {}) {
  const newestFirst = [...customerIds].sort().reverse();
  const afterIds = newestFirst.filter((_, index) => index % 50 === 49 && index + 50 < newestFirst.length).slice(0, 20);
  const cursorOf = await cursorsOf(url, headers);
  return [null, ...afterIds.map(cursorOf)].map((after) => ({
    method: 'POST',
    path: '/graphql',
    headers: { ...json, ...headers },
    body: JSON.stringify({ query: READ_LIST, variables: { after } }),
  }));
}

/** How a server writes the cursor of a customer: as that of its first one, with another id. */
async function cursorsOf(url, headers) {
  const query = '{ customers(first: 1) { nodes { id } edges { cursor } } }';
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify({ query }) });
  const { data } = await response.json();
  const shown = Buffer.from(data?.customers?.edges?.[0]?.cursor ?? '', 'base64url').toString();
  const known = data?.customers?.nodes?.[0]?.id;
  return (id) => Buffer.from(shown === '' ? `v1:${id}` : shown.replace(known, id)).toString('base64url');
}
