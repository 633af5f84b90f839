import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

/** A customer as the tests see one. */
export interface SeenCustomer {
  readonly name: string | null;
  /** Ids of the payment methods, the default's first letter a star. */
  readonly cards: readonly string[];
}

/** What a mutation of a payment method answered. */
export interface SeenPayload {
  readonly paymentMethodId: string | null;
  readonly replayed: boolean;
  readonly codes: readonly string[];
}

export interface CardInput {
  readonly customerId: string;
  readonly tilledPaymentMethodId: string;
  readonly idempotencyKey: string;
}

/** What an application does with a client. Arguments and results are JSON, so that a page can be asked from outside. */
export interface Client {
  /** Out of the cache, if the client has one and it knows. */
  customer(id: string): Promise<SeenCustomer>;
  refetch(id: string): Promise<SeenCustomer>;
  /** What the cache knows, without asking; null where there is no cache. */
  cached(id: string): Promise<SeenCustomer | null>;
  /** Ids of all payments, read in pages of two. */
  payments(customerId: string): Promise<readonly string[]>;
  /** The code of the error with which a customer is refused; null is no id. */
  codeOfError(id: string | null): Promise<string>;
  /** From now on it asks with this credential. */
  renew(credential: string): Promise<void>;
  attach(input: CardInput): Promise<SeenPayload>;
  choose(id: string): Promise<SeenPayload>;
}

/** Where a client asks, as whom, and how it says what. */
export interface Connection {
  readonly url: string;
  readonly credential: string;
  readonly mode: 'own' | 'registered' | 'automatic';
}

export interface CustomerData {
  readonly customer: {
    readonly name: string | null;
    readonly paymentMethods: readonly { readonly id: string; readonly isDefault: boolean }[];
  } | null;
}

export interface PaymentsData {
  readonly customer: {
    readonly payments: {
      readonly edges: readonly { readonly node: { readonly id: string } }[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
    };
  } | null;
}

export interface PayloadData {
  readonly paymentMethod: { readonly id: string } | null;
  readonly replayed?: boolean;
  readonly userErrors: readonly { readonly code: string }[];
}

export interface PageVariables {
  readonly customerId: string;
  readonly first: number;
  readonly after: string | null;
}

/** What graphql-codegen makes of documents/billing.graphql. */
export interface Documents {
  readonly CustomerDocument: TypedDocumentNode<CustomerData, { id: string | null }>;
  readonly PaymentsDocument: TypedDocumentNode<PaymentsData, PageVariables>;
  readonly AttachCardDocument: TypedDocumentNode<{ readonly paymentMethodAttach: PayloadData }, { input: CardInput }>;
  readonly ChooseCardDocument: TypedDocumentNode<{ readonly paymentMethodSetDefault: PayloadData }, { id: string }>;
}

export function seen(data: CustomerData | null | undefined): SeenCustomer {
  if (!data?.customer) throw new Error('The customer was not answered.');
  const { name, paymentMethods } = data.customer;
  return { name, cards: paymentMethods.map(({ id, isDefault }) => (isDefault ? `*${id}` : id)) };
}

export function seenPayload(payload: PayloadData | undefined): SeenPayload {
  if (payload === undefined) throw new Error('The mutation was not answered.');
  return {
    paymentMethodId: payload.paymentMethod?.id ?? null,
    replayed: payload.replayed ?? false,
    codes: payload.userErrors.map(({ code }) => code),
  };
}

/** The code of the first of these errors. */
export function codeOf(errors: readonly { readonly extensions?: unknown }[] | undefined): string {
  const { code } = (errors?.[0]?.extensions ?? {}) as { readonly code?: unknown };
  return String(code);
}
