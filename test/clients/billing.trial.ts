import { BillingError, createClient, UserError } from '../../client/src/index.js';
import type { Client, Connection, SeenPayload } from './client.js';

/** The gateway's own client, tried: it has no cache. */
export function tryBilling({ url, credential }: Connection): Client {
  let current = credential;
  const billing = createClient({ url: url.replace(/\/graphql$/, ''), credential: () => current });
  const customer = async (id: string) => {
    const found = await billing.customer({ id });
    if (found === null) throw new Error('The customer was not answered.');
    const cards: string[] = [];
    for await (const card of billing.customerPaymentMethods({ id })) cards.push(card.isDefault ? `*${card.id}` : card.id);
    return { name: found.name, cards };
  };
  return {
    customer,
    refetch: customer,
    cached: async () => null,
    payments: async (id) => {
      const ids: string[] = [];
      for await (const payment of billing.customerPayments({ id, first: 2 })) ids.push(payment.id);
      return ids;
    },
    codeOfError: (id) =>
      billing.customer({ id: id as string }).then(
        () => 'none',
        (error: unknown) => (error instanceof BillingError ? error.code : String(error)),
      ),
    renew: async (next) => {
      current = next;
    },
    attach: (input) => seen(billing.paymentMethodAttach(input)),
    choose: (id) => seen(billing.paymentMethodSetDefault({ id })),
  };
}

/** What the mutation did, or the codes with which it was refused. */
function seen(work: Promise<{ readonly paymentMethod: { readonly id: string }; readonly replayed: boolean }>): Promise<SeenPayload> {
  return work.then(
    ({ paymentMethod, replayed }) => ({ paymentMethodId: paymentMethod.id, replayed, codes: [] }),
    (error: unknown) => {
      if (error instanceof UserError) return { paymentMethodId: null, replayed: false, codes: [error.code] };
      throw error;
    },
  );
}
