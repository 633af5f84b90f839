import type { TilledCustomer, TilledCustomerParams } from '../../tilled/tilled.shapes.js';
import type { Customer } from './customer.entity.js';

/** How somebody is called, in the form in which both books are compared: equal texts are the same person's. */
interface Called {
  readonly email: string | null;
  readonly name: string | null;
}

/** The whole name as Tilled has it, or null. */
export function nameAtTilled({ first_name: first, middle_name: middle, last_name: last }: TilledCustomer): string | null {
  const name = [first, middle, last].filter((part) => part !== null && part !== '').join(' ');
  return name === '' ? null : name;
}

/** A name in the parts that Tilled keeps: they give the same name back. */
export function namesForTilled(name: string | null): Pick<TilledCustomerParams, 'first_name' | 'middle_name' | 'last_name'> {
  const [first = null, ...rest] = name?.split(' ') ?? [];
  return { first_name: first, middle_name: null, last_name: rest.length === 0 ? null : rest.join(' ') };
}

/** How we call a customer. */
export function calledHere({ email, name }: Pick<Customer, 'email' | 'name'>): Called {
  return { email: comparable(email)?.toLowerCase() ?? null, name: comparable(name) };
}

/** How Tilled calls a customer, whatever parts it keeps the name in. */
export function calledAtTilled(snapshot: TilledCustomer): Called {
  return calledHere({ email: snapshot.email ?? '', name: nameAtTilled(snapshot) });
}

/** Whether Tilled calls the customer as we do: the case of addresses, blanks, how letters are composed do not count. */
export function isCalledTheSame(customer: Customer, snapshot: TilledCustomer): boolean {
  const [ours, theirs] = [calledHere(customer), calledAtTilled(snapshot)];
  return ours.email === theirs.email && ours.name === theirs.name;
}

function comparable(text: string | null): string | null {
  return text?.normalize('NFC').trim().replace(/\s+/gu, ' ') || null;
}
