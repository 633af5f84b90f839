import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { it } from '@jest/globals';
import {
  AccountsApiFactory,
  ChargesApiFactory,
  CheckoutSessionsApiFactory,
  Configuration,
  CustomersApiFactory,
  DisputesApiFactory,
  EventsApiFactory,
  FilesApiFactory,
  HealthApiFactory,
  PaymentIntentsApiFactory,
  PaymentMethodsApiFactory,
  RefundsApiFactory,
  SubscriptionsApiFactory,
  WebhookEndpointsApiFactory,
} from 'tilled-node';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.js';

/** The same axios as the SDK's, which is CommonJS: its types are not those of the ES module. */
const require = createRequire(import.meta.url);
const axios: { create(config: object): Parameters<typeof CustomersApiFactory>[2] } = require('axios');

/** The real sandbox to run the same tests against, when the environment names one. */
const REAL = {
  url: process.env['TILLED_SANDBOX_URL'] ?? 'https://sandbox-api.tilled.com',
  secretKey: process.env['TILLED_SANDBOX_KEY'],
  accountId: process.env['TILLED_SANDBOX_ACCOUNT'] ?? '',
  publishableKey: process.env['TILLED_SANDBOX_PUBLISHABLE_KEY'] ?? '',
};

/** Whether this run is against Tilled's own sandbox. */
export const isReal = REAL.secretKey !== undefined && REAL.accountId !== '';

/** Tests that are known to differ on Tilled's own sandbox, by name, with the reason. None was run there yet. */
const knownDifferences: Record<string, string> = {};

/** A test that holds on Tilled's own sandbox too. */
export function both(name: string, body: () => Promise<void>): void {
  if (!isReal || knownDifferences[name] === undefined) it(name, body);
}

/** A test that holds on Tilled's own sandbox too, and needs a publishable key there. */
export function bothInBrowser(name: string, body: () => Promise<void>): void {
  if (!isReal || REAL.publishableKey !== '') both(name, body);
}

/** A test that needs the clock, the control surface or several accounts, which only our sandbox has. */
export function here(name: string, body: () => void | Promise<void>): void {
  if (!isReal) it(name, body);
}

/** When the clock of a test's sandbox stands still at first: noon on the last day of a January. */
export const START = new Date('2026-01-31T12:00:00.000Z');

/** The official SDK's functions for one key, on an axios instance of its own: the API classes would hook the global one. */
export function sdkFor(url: string, apiKey: string) {
  const configuration = new Configuration({ apiKey: (name: string) => (name === 'tilled-api-key' ? apiKey : ''), basePath: url });
  const instance = axios.create({ validateStatus: () => true, timeout: 10_000 });
  return {
    accounts: AccountsApiFactory(configuration, url, instance),
    charges: ChargesApiFactory(configuration, url, instance),
    checkout: CheckoutSessionsApiFactory(configuration, url, instance),
    customers: CustomersApiFactory(configuration, url, instance),
    disputes: DisputesApiFactory(configuration, url, instance),
    events: EventsApiFactory(configuration, url, instance),
    files: FilesApiFactory(configuration, url, instance),
    health: HealthApiFactory(configuration, url, instance),
    intents: PaymentIntentsApiFactory(configuration, url, instance),
    methods: PaymentMethodsApiFactory(configuration, url, instance),
    refunds: RefundsApiFactory(configuration, url, instance),
    subscriptions: SubscriptionsApiFactory(configuration, url, instance),
    webhooks: WebhookEndpointsApiFactory(configuration, url, instance),
  };
}

export type Sdk = ReturnType<typeof sdkFor>;

/** What came back of a call that should have been refused. */
export async function refusal(call: Promise<{ status: number; data: unknown }>): Promise<{ status: number; message: string }> {
  const { status, data } = await call;
  const message = Object.entries(Object(data)).find(([key]) => key === 'message');
  return { status, message: [message?.[1]].flat().join('; ') };
}

/** An answer to a request made without the SDK. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

/** A sandbox, an account in it and the ways to talk to both. */
export class Kit {
  readonly sdk: Sdk;

  private constructor(
    readonly url: string,
    readonly account: string,
    readonly secretKey: string,
    readonly publishableKey: string,
    private readonly own: Sandbox | null,
  ) {
    this.sdk = sdkFor(url, secretKey);
  }

  /** Opens our sandbox, frozen and seeded unless told otherwise; or, opted in, Tilled's. */
  static async open(options: Partial<SandboxOptions> = {}): Promise<Kit> {
    if (isReal) return new Kit(REAL.url, REAL.accountId, REAL.secretKey ?? '', REAL.publishableKey, null);
    return Kit.openOwn(options);
  }

  /** Opens our sandbox, frozen and seeded unless told otherwise. */
  static async openOwn(options: Partial<SandboxOptions> = {}): Promise<Kit> {
    const sandbox = await startSandbox({ port: 0, seed: 1, frozenAt: START, ...options });
    const { accountId, secretKey, publishableKey } = await sandbox.provision();
    return new Kit(sandbox.url, accountId, secretKey, publishableKey, sandbox);
  }

  /** Our sandbox. Throws when the tests run against Tilled's. */
  get sandbox(): Sandbox {
    if (this.own === null) throw new Error('This needs our own sandbox.');
    return this.own;
  }

  close(): Promise<void> {
    return this.own?.close() ?? Promise.resolve();
  }

  /** A request with the key and account, as JSON when there is a body; headers given as '' are left out. */
  async raw(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}): Promise<RawAnswer> {
    const headers = Object.entries({
      'tilled-api-key': this.secretKey,
      'tilled-account': this.account,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    }).filter(([, value]) => value !== '');
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const answer = await fetch(`${this.url}${path}`, { method, headers: Object.fromEntries(headers), body });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : {} };
  }

  /** A command to the control surface. Throws when it is refused. */
  async control(name: string, body: unknown = {}): Promise<Record<string, unknown>> {
    const answer = await this.raw('POST', `/_sandbox/${name}`, { body });
    if (answer.status !== 200) throw new Error(`${name}: ${answer.text}`);
    return answer.json;
  }

  /** Moves the clock forward by days and what else is given. */
  async advance(time: { days?: number; ms?: number }): Promise<void> {
    await this.control('clock', { advanceMs: (time.days ?? 0) * 86_400_000 + (time.ms ?? 0) });
  }

  /** Moves the clock to a time. */
  async advanceTo(to: string): Promise<void> {
    await this.control('clock', { to });
  }

  /** The id of a new customer. */
  async customer(): Promise<string> {
    const { data } = await this.sdk.customers.createCustomer({ tilled_account: this.account, CustomerCreateParams: { first_name: 'Ada' } });
    return data.id;
  }

  /** The id of a new single-use card. */
  async card(change: { street?: string; number?: string; cvc?: string } = {}): Promise<string> {
    const { data } = await this.sdk.methods.createPaymentMethod({
      tilled_account: this.account,
      PaymentMethodCreateParams: {
        type: 'card',
        card: { number: change.number ?? '4111111111111111', exp_month: 12, exp_year: 2031, cvc: change.cvc ?? '123' },
        billing_details: { name: 'Ada Payer', address: { street: change.street ?? '1 Main Street', zip: '80301', country: 'US' } },
      },
    });
    return data.id;
  }

  /** The id of a new single-use bank account. */
  async bankAccount(): Promise<string> {
    const { data } = await this.sdk.methods.createPaymentMethod({
      tilled_account: this.account,
      PaymentMethodCreateParams: {
        type: 'ach_debit',
        ach_debit: {
          account_holder_name: 'Ada Payer',
          account_number: '000123456789',
          account_type: 'checking',
          routing_number: '021101108',
        },
        billing_details: { name: 'Ada Payer', address: { street: '1 Main Street', zip: '80301', country: 'US' } },
      },
    });
    return data.id;
  }

  /** A customer with a card or bank account of its own. */
  async payer(kind: 'card' | 'bank' = 'card'): Promise<{ customer: string; method: string }> {
    const customer = await this.customer();
    const method = kind === 'card' ? await this.card() : await this.bankAccount();
    await this.sdk.methods.attachPaymentMethodToCustomer({
      tilled_account: this.account,
      id: method,
      PaymentMethodAttachParams: { customer_id: customer },
    });
    return { customer, method };
  }

  /** A payment intent confirmed at once with a method, a new card by default. */
  async pay(amount: number, change: { method?: string; capture?: 'manual'; type?: 'card' | 'ach_debit' } = {}) {
    const answer = await this.sdk.intents.createPaymentIntent({
      tilled_account: this.account,
      PaymentIntentCreateParams: {
        amount,
        currency: 'usd',
        payment_method_types: [change.type ?? 'card'],
        payment_method_id: change.method ?? (await this.card()),
        capture_method: change.capture ?? 'automatic',
        confirm: true,
      },
    });
    return answer.data;
  }

  /** The payment intent as it is now. */
  async intent(id: string) {
    return (await this.sdk.intents.getPaymentIntent({ tilled_account: this.account, id })).data;
  }

  /** The types of the events about some objects, oldest first. */
  async eventTypes(...objectIds: string[]): Promise<string[]> {
    const { data } = await this.sdk.events.listEvents({ tilled_account: this.account, limit: 100 });
    return data.items
      .filter((event) => objectIds.includes(String(Object.entries(event.data).find(([key]) => key === 'id')?.[1])))
      .map((event) => event.type)
      .reverse();
  }
}

/** One webhook as a receiver got it: the bytes as they came. */
export interface Received {
  headers: IncomingHttpHeaders;
  rawBody: Buffer;
  event: Record<string, unknown>;
}

/** A receiver of webhooks that answers as it is told. */
export class Receiver {
  readonly received: Received[] = [];
  /** Statuses of the next answers; then 200. */
  readonly answers: number[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const rawBody = Buffer.concat(chunks);
        this.received.push({ headers: request.headers, rawBody, event: JSON.parse(rawBody.toString()) });
        response.writeHead(this.answers.shift() ?? 200, { location: '/elsewhere' }).end();
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/hook`;
  }

  types(): unknown[] {
    return this.received.map(({ event }) => event['type']);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
