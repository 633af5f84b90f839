type Row = Readonly<Record<string, unknown>>;

/** One answer that a client got. */
export interface Answer {
  readonly row: Row | null;
  readonly errors: readonly { readonly code: string }[];
}

/** What a client was told in the end, and ever. */
export interface Told extends Answer {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly answers: readonly Answer[];
}

/** Holds our books against Tilled's and against what clients were told; what is off, by kind. */
export function compare(sides: {
  readonly books: Readonly<Record<'customers' | 'paymentMethods' | 'payments' | 'refunds' | 'subscriptions', readonly Row[]>>;
  readonly tilled: Readonly<Record<string, readonly Row[]>>;
  readonly told: readonly Told[];
}): Readonly<Record<'lost' | 'doubled' | 'wrong' | 'unknown', string[]>>;
