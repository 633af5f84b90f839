import { type QueryValue, type TilledCall, TilledHttp, type Writes } from './tilled.http.js';
import type {
  TilledAccount,
  TilledCharge,
  TilledCustomer,
  TilledCustomerParams,
  TilledDispute,
  TilledDisputeEvidenceParams,
  TilledEvent,
  TilledFile,
  TilledHealth,
  TilledList,
  TilledPaymentIntent,
  TilledPaymentIntentCancelParams,
  TilledPaymentIntentCaptureParams,
  TilledPaymentIntentCreateParams,
  TilledPaymentMethod,
  TilledPaymentMethodType,
  TilledRefund,
  TilledRefundCreateParams,
  TilledSubscription,
  TilledSubscriptionCreateParams,
  TilledSubscriptionPauseParams,
  TilledSubscriptionRetryParams,
  TilledSubscriptionUpdateParams,
  TilledWebhookEndpoint,
  TilledWebhookEndpointParams,
} from './tilled.shapes.js';

/** Query of a list: a page, and filters the resource knows. */
export type ListQuery = Readonly<Record<string, QueryValue>>;

/**
 * Tilled's API, one method an operation, all of one account. Every method throws TilledError; see there for what each
 * kind says about what may have happened.
 */
export class TilledClient {
  constructor(private readonly http: TilledHttp) {}

  /** The operations of one account. */
  account(accountId: string, writes: Writes): TilledAccountClient {
    return new TilledAccountClient(this.http, accountId, writes);
  }

  /** How Tilled says it is. Throws when it says `fail`, as when it says nothing. */
  async getHealth(): Promise<TilledHealth> {
    return (await this.http.request({ operation: 'getHealth', method: 'GET', path: '/v1/health', accountId: null })) as TilledHealth;
  }
}

/** The operations of one account that change nothing. */
export type TilledReader = Pick<TilledAccountClient, Extract<keyof TilledAccountClient, `get${string}` | `list${string}`>>;

/** The operations of one account. */
export class TilledAccountClient {
  constructor(
    private readonly http: TilledHttp,
    private readonly accountId: string,
    private readonly writes: Writes,
  ) {}

  getAccount(): Promise<TilledAccount> {
    return this.call('getAccount', 'GET', '/v1/accounts');
  }

  createCustomer(params: TilledCustomerParams): Promise<TilledCustomer> {
    return this.call('createCustomer', 'POST', '/v1/customers', { body: params });
  }

  getCustomer(id: string): Promise<TilledCustomer> {
    return this.call('getCustomer', 'GET', at`/v1/customers/${id}`);
  }

  listCustomers(query: ListQuery): Promise<TilledList<TilledCustomer>> {
    return this.call('listCustomers', 'GET', '/v1/customers', { query });
  }

  updateCustomer(id: string, params: TilledCustomerParams): Promise<TilledCustomer> {
    return this.call('updateCustomer', 'PATCH', at`/v1/customers/${id}`, { body: params });
  }

  deleteCustomer(id: string): Promise<null> {
    return this.call('deleteCustomer', 'DELETE', at`/v1/customers/${id}`);
  }

  getPaymentMethod(id: string): Promise<TilledPaymentMethod> {
    return this.call('getPaymentMethod', 'GET', at`/v1/payment-methods/${id}`);
  }

  listPaymentMethods(
    query: ListQuery & { readonly type: TilledPaymentMethodType; readonly customer_id: string },
  ): Promise<TilledList<TilledPaymentMethod>> {
    return this.call('listPaymentMethods', 'GET', '/v1/payment-methods', { query });
  }

  attachPaymentMethod(id: string, customerId: string): Promise<TilledPaymentMethod> {
    return this.call('attachPaymentMethod', 'PUT', at`/v1/payment-methods/${id}/attach`, { body: { customer_id: customerId } });
  }

  detachPaymentMethod(id: string): Promise<TilledPaymentMethod> {
    return this.call('detachPaymentMethod', 'PUT', at`/v1/payment-methods/${id}/detach`);
  }

  createPaymentIntent(params: TilledPaymentIntentCreateParams): Promise<TilledPaymentIntent> {
    return this.call('createPaymentIntent', 'POST', '/v1/payment-intents', { body: params });
  }

  getPaymentIntent(id: string): Promise<TilledPaymentIntent> {
    return this.call('getPaymentIntent', 'GET', at`/v1/payment-intents/${id}`);
  }

  listPaymentIntents(query: ListQuery): Promise<TilledList<TilledPaymentIntent>> {
    return this.call('listPaymentIntents', 'GET', '/v1/payment-intents', { query });
  }

  confirmPaymentIntent(id: string): Promise<TilledPaymentIntent> {
    return this.call('confirmPaymentIntent', 'POST', at`/v1/payment-intents/${id}/confirm`, { body: {} });
  }

  capturePaymentIntent(id: string, params: TilledPaymentIntentCaptureParams): Promise<TilledPaymentIntent> {
    return this.call('capturePaymentIntent', 'POST', at`/v1/payment-intents/${id}/capture`, { body: params });
  }

  cancelPaymentIntent(id: string, params: TilledPaymentIntentCancelParams): Promise<TilledPaymentIntent> {
    return this.call('cancelPaymentIntent', 'POST', at`/v1/payment-intents/${id}/cancel`, { body: params });
  }

  getCharge(id: string): Promise<TilledCharge> {
    return this.call('getCharge', 'GET', at`/v1/charges/${id}`);
  }

  createRefund(params: TilledRefundCreateParams): Promise<TilledRefund> {
    return this.call('createRefund', 'POST', '/v1/refunds', { body: params });
  }

  getRefund(id: string): Promise<TilledRefund> {
    return this.call('getRefund', 'GET', at`/v1/refunds/${id}`);
  }

  listRefunds(query: ListQuery): Promise<TilledList<TilledRefund>> {
    return this.call('listRefunds', 'GET', '/v1/refunds', { query });
  }

  getDispute(id: string): Promise<TilledDispute> {
    return this.call('getDispute', 'GET', at`/v1/disputes/${id}`);
  }

  listDisputes(query: ListQuery): Promise<TilledList<TilledDispute>> {
    return this.call('listDisputes', 'GET', '/v1/disputes', { query });
  }

  createDisputeEvidence(id: string, params: TilledDisputeEvidenceParams): Promise<TilledDispute> {
    return this.call('createDisputeEvidence', 'POST', at`/v1/disputes/${id}`, { body: params });
  }

  getFile(id: string): Promise<TilledFile> {
    return this.call('getFile', 'GET', at`/v1/files/${id}`);
  }

  createSubscription(params: TilledSubscriptionCreateParams): Promise<TilledSubscription> {
    return this.call('createSubscription', 'POST', '/v1/subscriptions', { body: params });
  }

  getSubscription(id: string): Promise<TilledSubscription> {
    return this.call('getSubscription', 'GET', at`/v1/subscriptions/${id}`);
  }

  listSubscriptions(query: ListQuery): Promise<TilledList<TilledSubscription>> {
    return this.call('listSubscriptions', 'GET', '/v1/subscriptions', { query });
  }

  updateSubscription(id: string, params: TilledSubscriptionUpdateParams): Promise<TilledSubscription> {
    return this.call('updateSubscription', 'PATCH', at`/v1/subscriptions/${id}`, { body: params });
  }

  cancelSubscription(id: string): Promise<TilledSubscription> {
    return this.call('cancelSubscription', 'POST', at`/v1/subscriptions/${id}/cancel`);
  }

  pauseSubscription(id: string, params: TilledSubscriptionPauseParams): Promise<TilledSubscription> {
    return this.call('pauseSubscription', 'POST', at`/v1/subscriptions/${id}/pause`, { body: params });
  }

  resumeSubscription(id: string): Promise<TilledSubscription> {
    return this.call('resumeSubscription', 'POST', at`/v1/subscriptions/${id}/resume`);
  }

  retrySubscription(id: string, params: TilledSubscriptionRetryParams): Promise<TilledSubscription> {
    return this.call('retrySubscription', 'POST', at`/v1/subscriptions/${id}/retry`, { body: params });
  }

  listEvents(query: ListQuery): Promise<TilledList<TilledEvent>> {
    return this.call('listEvents', 'GET', '/v1/events', { query });
  }

  createWebhookEndpoint(params: TilledWebhookEndpointParams): Promise<TilledWebhookEndpoint> {
    return this.call('createWebhookEndpoint', 'POST', '/v1/webhook-endpoints', { body: params });
  }

  listWebhookEndpoints(query: ListQuery): Promise<TilledList<TilledWebhookEndpoint>> {
    return this.call('listWebhookEndpoints', 'GET', '/v1/webhook-endpoints', { query });
  }

  updateWebhookEndpoint(id: string, params: TilledWebhookEndpointParams): Promise<TilledWebhookEndpoint> {
    return this.call('updateWebhookEndpoint', 'PATCH', at`/v1/webhook-endpoints/${id}`, { body: params });
  }

  deleteWebhookEndpoint(id: string): Promise<null> {
    return this.call('deleteWebhookEndpoint', 'DELETE', at`/v1/webhook-endpoints/${id}`);
  }

  private async call<T>(
    operation: string,
    method: TilledCall['method'],
    path: string,
    parts: Pick<TilledCall, 'query' | 'body'> = {},
  ): Promise<T> {
    // Here Tilled's word is taken for its shape: unknown values and additional fields pass through.
    const about = { operation, method, path, accountId: this.accountId };
    return (await this.http.request({ ...about, ...(method === 'GET' ? {} : { writes: this.writes }), ...parts })) as T;
  }
}

/** The names of all operations, which are the methods' own. */
export const TILLED_OPERATIONS: readonly string[] = [
  'getHealth',
  ...Object.getOwnPropertyNames(TilledAccountClient.prototype).filter((name) => name !== 'constructor' && name !== 'call'),
];

/** A path whose ids cannot leave their segment; TilledHttp refuses those that are no text to encode: none, and dots. */
function at(strings: TemplateStringsArray, ...ids: string[]): string {
  return strings.reduce((path, part, index) => `${path}${encodeURIComponent((ids[index - 1] ?? '').toWellFormed())}${part}`);
}
