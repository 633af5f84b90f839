/** Who is asking. A customer (a browser session) sees only their own rows; `id` says which job it is. */
export type Actor =
  | { readonly kind: 'service'; readonly keyId: string }
  | { readonly kind: 'read_only'; readonly keyId: string }
  | { readonly kind: 'operator'; readonly keyId: string }
  | { readonly kind: 'customer'; readonly customerId: string }
  | { readonly kind: 'webhook' | 'job' | 'command'; readonly id?: string };
