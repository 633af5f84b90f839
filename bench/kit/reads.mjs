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

/** Requests for one page after the other. */
export function readListRequests(customerIds, headers = {}) {
  const newestFirst = [...customerIds].sort().reverse();
  const pages = [null, ...newestFirst.filter((_, index) => index % 50 === 49 && index + 50 < newestFirst.length).slice(0, 20)];
  return pages.map((after) => ({
    method: 'POST',
    path: '/graphql',
    headers: { ...json, ...headers },
    body: JSON.stringify({ query: READ_LIST, variables: { after: after && Buffer.from(`v1:${after}`).toString('base64url') } }),
  }));
}
