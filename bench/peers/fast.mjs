/** A fast peer: mercurius with its JIT, raw prepared SQL, loaders against N+1. No authentication, no limits. */
import fastify from 'fastify';
import mercurius from 'mercurius';
import * as db from './sql.mjs';

const schema = `
  type Money { amountMinor: Float! currency: String! decimal: String! }
  type PaymentMethod { id: ID! type: String! brand: String last4: String expMonth: Int expYear: Int }
  type Subscription { id: ID! status: String! planCode: String price: Money! intervalUnit: String! intervalCount: Int! currentPeriodEnd: String }
  type SubscriptionConnection { nodes: [Subscription!]! }
  type Payment { id: ID! status: String! amount: Money! captured: Money! refunded: Money! description: String createdAt: String! }
  type PaymentConnection { nodes: [Payment!]! }
  type Customer {
    id: ID! email: String! name: String createdAt: String! defaultPaymentMethod: PaymentMethod
    subscriptions(first: Int = 20): SubscriptionConnection! payments(first: Int = 20): PaymentConnection!
  }
  type CustomerConnection { nodes: [Customer!]! }
  type Query { customer(id: ID!): Customer customers(first: Int = 20, after: String): CustomerConnection! }
`;

const resolvers = {
  Query: {
    customer: async (_, { id }) => {
      const row = await db.customerById(id);
      return row && db.shownCustomer(row);
    },
    customers: async (_, { first, after }) => ({ nodes: (await db.customersAfter(after, first)).map(db.shownCustomer) }),
  },
};

const loaders = {
  Customer: {
    defaultPaymentMethod: (queries) => Promise.all(queries.map(async ({ obj }) => db.shownMethod(await db.defaultMethodOf(obj.id)))),
    payments: (queries) =>
      Promise.all(queries.map(async ({ obj, params }) => ({ nodes: (await db.paymentsOf(obj.id, params.first)).map(db.shownPayment) }))),
    subscriptions: async (queries) => {
      const found = await db.subscriptionsOfAll(
        queries.map(({ obj }) => obj.id),
        queries[0].params.first,
      );
      return found.map((rows) => ({ nodes: rows.map(db.shownSubscription) }));
    },
  },
};

const server = fastify();
server.register(mercurius, { schema, resolvers, loaders, jit: 1 });
server.get('/readyz', async () => ({ status: 'ready' }));
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
