import type { Call, Effect, Route } from '../call.js';
import { listPage, recordOf } from '../call.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import type { CustomerRecord } from '../records.js';
import { detachPaymentMethod } from './payment-methods.js';
import { cancelSubscription } from './subscription-changes.js';

/** The operations on customers. */
export const customerRoutes: Route[] = [
  { method: 'POST', path: '/v1/customers', status: 201, area: 'customers', begin: createCustomer },
  { method: 'GET', path: '/v1/customers', status: 200, area: 'customers', handle: listCustomers },
  { method: 'GET', path: '/v1/customers/:id', status: 200, area: 'customers', handle: getCustomer },
  { method: 'PATCH', path: '/v1/customers/:id', status: 200, area: 'customers', begin: updateCustomer },
  { method: 'DELETE', path: '/v1/customers/:id', status: 204, area: 'customers', begin: deleteCustomer },
];

const NAME_MAX = { max: 255 };

function createCustomer(call: Call): Effect {
  const { engine } = call;
  const blank = { email: null, first_name: null, middle_name: null, last_name: null, phone: null, metadata: null };
  const sent = changesOf(call.body)({ id: '', account_id: call.account.id, created_at: '', updated_at: '', ...blank });
  return () => {
    const now = engine.clock.iso();
    const customer = { ...sent, id: engine.ids.object('cus'), created_at: now, updated_at: now };
    engine.store.customers.put(customer);
    engine.emit('customer.created', call.account.id, customer);
    return customer;
  };
}

function listCustomers(call: Call): unknown {
  const sought = call.query.text('q')?.toLowerCase();
  const { customers } = call.engine.store;
  const where =
    sought === undefined
      ? undefined
      : (customer: CustomerRecord) => searchedTexts(customer).some((text) => text.toLowerCase().includes(sought));
  return listPage(call, { collection: customers, where, render: (customer) => customer });
}

function searchedTexts(customer: CustomerRecord): string[] {
  return [customer.first_name, customer.last_name, customer.email, customer.phone].filter((text) => text !== null);
}

function getCustomer(call: Call): CustomerRecord {
  return recordOf(call, call.engine.store.customers, 'Customer');
}

function updateCustomer(call: Call): Effect {
  const { engine } = call;
  const changed = changesOf(call.body);
  changed(getCustomer(call));
  return () => {
    const customer = changed({ ...getCustomer(call), updated_at: engine.clock.iso() });
    engine.store.customers.put(customer);
    engine.emit('customer.updated', call.account.id, customer);
    return customer;
  };
}

/** Our assumption: with the customer its payment methods are detached and its subscriptions end. */
function deleteCustomer(call: Call): Effect {
  getCustomer(call);
  return () => endCustomer(call.engine, getCustomer(call));
}

function endCustomer(engine: Engine, customer: CustomerRecord): void {
  for (const subscription of engine.store.subscriptions.records([`customer_id=${customer.id}`])) {
    if (subscription.status !== 'canceled') cancelSubscription(engine, subscription);
  }
  for (const method of engine.store.paymentMethods.records([`customer_id=${customer.id}`])) detachPaymentMethod(engine, method);
  engine.store.customers.delete(customer.id);
  engine.emit('customer.deleted', customer.account_id, customer);
}

/** What the body does to a customer. Throws a 400 when it is wrong. */
function changesOf(body: unknown): (current: CustomerRecord) => CustomerRecord {
  const fields = new Fields(body);
  const sent = {
    email: fields.text('email', NAME_MAX),
    first_name: fields.text('first_name', NAME_MAX),
    middle_name: fields.text('middle_name', NAME_MAX),
    last_name: fields.text('last_name', NAME_MAX),
    phone: fields.text('phone', NAME_MAX),
  };
  const metadata = fields.metadata();
  fields.assertValid();
  return (current) => ({
    ...current,
    email: sent.email === undefined ? current.email : sent.email,
    first_name: sent.first_name === undefined ? current.first_name : sent.first_name,
    middle_name: sent.middle_name === undefined ? current.middle_name : sent.middle_name,
    last_name: sent.last_name === undefined ? current.last_name : sent.last_name,
    phone: sent.phone === undefined ? current.phone : sent.phone,
    metadata: mergedMetadata(current.metadata, metadata),
  });
}
