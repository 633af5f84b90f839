import { type CallOptions, Calls, type MutationOptions } from './calls.js';
import { BillingError, StillOpen } from './errors.js';
import { type KeyStorage, memoryKeys } from './keys.js';
import { Methods, type Payment, type Refund, type Subscription } from './methods.generated.js';
import { backoffMs, pause } from './repeat.js';
import type { Credential } from './wire.js';

/** Where the gateway is, and who asks. */
export interface ClientOptions {
  /** The gateway: `https://billing.example.com`, with or without `/graphql`. */
  readonly url: string;
  /**
   * An API key, or in a page the token of a customer's session; or what gives one. A function is asked before each
   * request, and is told the one that was refused when it has ended: the request is sent again with the next.
   */
  readonly credential: Credential;
  /** What sends; absent, the one of the platform. */
  readonly fetch?: typeof fetch | undefined;
  /** Where the keys of named intents are kept; absent, for as long as the process lives. */
  readonly keyStorage?: KeyStorage | undefined;
}

/** What may be open for a while. */
interface Settling {
  Payment: Payment;
  Refund: Refund;
  Subscription: Subscription;
}

/** Statuses in which it is not decided yet, and is found out or goes on by itself. */
const OPEN = new Set(['UNKNOWN', 'PENDING']);
/** An outcome that is not known is looked for within minutes. */
const SETTLED_DEADLINE_MS = 600_000;

/** Everything that the API can be asked: a method for each query and mutation, and what an app does around them. */
export class BillingClient extends Methods {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    super(calls);
    this.#calls = calls;
  }

  /**
   * Waits until it is decided: a payment, refund or subscription that is UNKNOWN or PENDING no more. A bank debit that
   * is PROCESSING, which takes days, is waited for no longer. Throws StillOpen at the deadline, 10 minutes unless it is
   * given.
   */
  async settled<Type extends keyof Settling>(
    object: { readonly __typename: Type; readonly id: string },
    options: CallOptions = {},
  ): Promise<Settling[Type]> {
    const { signal, deadlineMs = SETTLED_DEADLINE_MS } = options;
    const endsAt = Date.now() + deadlineMs;
    for (let tried = 1; ; tried += 1) {
      const now = await this.#read(object, { signal });
      if (!OPEN.has(now.status)) return now;
      const pauseMs = backoffMs(tried, { firstMs: 500 });
      if (Date.now() + pauseMs >= endsAt)
        throw new StillOpen({ operation: 'settled', summary: `${object.id} is still ${now.status}` }, object.id);
      await pause(pauseMs, signal);
    }
  }

  /**
   * Asks anything else: an operation of your own. Its top-level errors are thrown and passing ones repeated as for
   * every call, with one key; the `userErrors` in its data are yours to read.
   */
  async request<Data>(text: string, variables: object = {}, options: MutationOptions = {}): Promise<Data> {
    return (await this.#calls.request('request', text, variables, options)) as Data;
  }

  async #read<Type extends keyof Settling>(
    object: { readonly __typename: Type; readonly id: string },
    options: CallOptions,
  ): Promise<Settling[Type]> {
    const readers: { [Name in keyof Settling]: (id: string) => Promise<Settling[Name] | null> } = {
      Payment: (id) => this.payment({ id }, options),
      Refund: (id) => this.refund({ id }, options),
      Subscription: (id) => this.subscription({ id }, options),
    };
    const found = await readers[object.__typename](object.id);
    if (found === null) throw new BillingError('NOT_FOUND', { operation: 'settled', summary: `${object.id} is not there` });
    return found;
  }
}

/** A client of a gateway. It opens nothing and needs no end. Throws TypeError without a `url` or a `credential`. */
export function createClient({ url, credential, fetch: given, keyStorage = memoryKeys() }: ClientOptions): BillingClient {
  // What comes from an environment may not be there, whatever its type says.
  if (!url) throw new TypeError('createClient: url is where the gateway is, such as https://billing.example.com.');
  if (!credential) throw new TypeError('createClient: credential is an API key, the token of a session, or a function that gives one.');
  // Called without its object, which the fetch of browsers does not forgive.
  const send: typeof fetch = given ?? ((...request) => fetch(...request));
  return new BillingClient(
    new Calls({ url: `${url.replace(/\/+$/, '').replace(/\/graphql$/, '')}/graphql`, credential, fetch: send }, keyStorage),
  );
}
