import { z } from 'zod';
import { probe } from './parts.js';

const ANSWER = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }).partial().optional() })).optional(),
});

/** One GraphQL request's fate as a client sees it. */
export interface Answered {
  readonly status: number;
  /** What the first root field gave. */
  readonly field: Readonly<Record<string, unknown>>;
}

/** Sends operations to a running gateway the way any app does: over HTTP, with an API key. */
export class SmokeClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  /** The first root field of the answer. Throws what the gateway, or its userErrors, said was wrong. */
  async ask(query: string, variables: object, idempotencyKey?: string): Promise<Answered> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.key}` };
    const { status, text } = await probe(`${this.url}/graphql`, {
      method: 'POST',
      headers: idempotencyKey === undefined ? headers : { ...headers, 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ query, variables }),
    });
    const parsed = ANSWER.safeParse(JSON.parse(text));
    const [error] = parsed.data?.errors ?? [];
    if (error !== undefined) throw new Error(`${error.extensions?.code ?? status}: ${error.message}`);
    const field = Object.values(parsed.data?.data ?? {})[0];
    if (typeof field !== 'object' || field === null) throw new Error(`The gateway answered ${status} without data.`);
    const [refusal] = (Reflect.get(field, 'userErrors') as { message: string }[] | undefined) ?? [];
    if (refusal !== undefined) throw new Error(refusal.message);
    return { status, field: field as Record<string, unknown> };
  }

  /** How a request with a made-up card number in it is answered. */
  async sendCardNumber(): Promise<number> {
    const made = ['4111', '1111', '1111', '1111'].join('');
    const { status } = await probe(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.key}` },
      body: JSON.stringify({ query: '{ app { id } }', variables: { card_number: made } }),
    });
    return status;
  }
}

const ERRORS = 'userErrors { message }';

/** The operations of the smoke test. */
export const OPERATIONS = {
  customerCreate: `mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } replayed ${ERRORS} } }`,
  attach: `mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id isDefault } ${ERRORS} } }`,
  subscribe: `mutation ($input: SubscriptionCreateInput!) { subscriptionCreate(input: $input) { subscription { id } ${ERRORS} } }`,
  subscription: `query ($id: ID!) { subscription(id: $id) { id status payments(first: 1) { nodes { id status captured { decimal currency } } } } }`,
  cancel: `mutation ($input: SubscriptionCancelInput!) { subscriptionCancel(input: $input) { subscription { id status } ${ERRORS} } }`,
  refund: `mutation ($input: RefundCreateInput!) { refundCreate(input: $input) { refund { id status } ${ERRORS} } }`,
  customerDelete: `mutation ($input: CustomerDeleteInput!) { customerDelete(input: $input) { customer { id } ${ERRORS} } }`,
} as const;
