/** The floor: node:http and prepared SQL, no GraphQL, no authentication. What it answers has the shape of the GraphQL answers. */
import { createServer } from 'node:http';
import * as db from './sql.mjs';

createServer(async (request, response) => {
  const body = await textOf(request);
  const answer = request.method === 'GET' ? { status: 'ready' } : await read(JSON.parse(body));
  const text = JSON.stringify(answer);
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}).listen(Number(process.env.PORT), '127.0.0.1');

async function read({ variables }) {
  if (variables?.id === undefined) {
    const customers = await db.customersAfter(variables?.after, 50);
    const subscriptions = await db.subscriptionsOfAll(
      customers.map((row) => row.id),
      10,
    );
    const nodes = customers.map((row, index) => ({
      ...db.shownCustomer(row),
      subscriptions: { nodes: subscriptions[index].map(db.shownSubscription) },
    }));
    return { data: { customers: { nodes } } };
  }
  const customer = await db.customerById(variables.id);
  const [method, subscriptions, payments] = await Promise.all([
    db.defaultMethodOf(customer.id),
    db.subscriptionsOf(customer.id, 10),
    db.paymentsOf(customer.id, 20),
  ]);
  return {
    data: {
      customer: {
        ...db.shownCustomer(customer),
        defaultPaymentMethod: db.shownMethod(method),
        subscriptions: { nodes: subscriptions.map(db.shownSubscription) },
        payments: { nodes: payments.map(db.shownPayment) },
      },
    },
  };
}

function textOf(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
