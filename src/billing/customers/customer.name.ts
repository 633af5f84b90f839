import type { TilledCustomer, TilledCustomerParams } from '../../tilled/tilled.shapes.js';

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
