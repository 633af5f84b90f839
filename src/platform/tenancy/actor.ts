/** What a key is confined to; absent or null for all of its role. */
interface Confined {
  readonly keyId: string;
  readonly scopes?: readonly string[] | null;
}

/** What the session of a customer says of itself. */
interface SessionFacts {
  readonly expiresAt: Date;
  /** Where its page leads back to, of an origin of the app; null for nowhere. */
  readonly returnUrl: string | null;
}

/** Who is asking. A customer (a browser session) sees only their own rows; `id` says which job it is. */
export type Actor =
  | ({ readonly kind: 'service' } & Confined)
  | ({ readonly kind: 'read_only' } & Confined)
  | ({ readonly kind: 'operator' } & Confined)
  | ({ readonly kind: 'customer'; readonly customerId: string } & SessionFacts)
  | { readonly kind: 'webhook' | 'job' | 'command'; readonly id?: string };
