import type { TestApp, World } from './world.js';

/** Records of the sandbox, by collection, as GET /_sandbox/state shows them. */
type Collection = 'customers' | 'payment_methods' | 'payment_intents' | 'charges' | 'refunds' | 'disputes' | 'subscriptions';
type TilledRecord = Readonly<Record<string, unknown>>;

/** What Tilled has of an app's account, oldest first. */
export async function atTilled(world: World, app: TestApp, collection: Collection): Promise<TilledRecord[]> {
  const state = (await world.control(`state?collection=${collection}`)) as Record<Collection, TilledRecord[]>;
  return state[collection].filter((record) => record.account_id === app.accountId);
}

/** What each charge at Tilled that took money took, less what was given back of it. */
export async function takenAtTilled(world: World, app: TestApp): Promise<number[]> {
  const charges = await atTilled(world, app, 'charges');
  return charges
    .filter((charge) => charge.status === 'succeeded')
    .map((charge) => Number(charge.amount_captured) - Number(charge.amount_refunded));
}

/** Cuts the connection of the next such request, before or after Tilled carried it out. */
export function cut(world: World, operation: string, when: 'before' | 'after', skip = 0): Promise<unknown> {
  return world.control('faults', { operation, drop: true, when, skip });
}

/** Answers the next such requests with an error status, without carrying them out. */
export function refuse(world: World, operation: string, status: number, facts: { times?: number; body?: unknown } = {}): Promise<unknown> {
  return world.control('faults', { operation, status, ...facts });
}

/** A bank account at Tilled that is attached to nobody yet. */
export async function newBankAccount(world: World, app: TestApp): Promise<string> {
  const account = { account_holder_name: 'Ann Lee', account_number: '1234567890', account_type: 'checking', routing_number: '011000138' };
  const billing = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
  const made = await world.tilled(app, 'POST', '/v1/payment-methods', { type: 'ach_debit', ach_debit: account, billing_details: billing });
  return (made as { id: string }).id;
}
