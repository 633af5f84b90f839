import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { FastifyInstance } from 'fastify';
import { print } from 'graphql';
import type { KeyRole } from '../../src/access/api-key.entity.js';
import type { KeyWish } from '../../src/access/api-key.service.js';
import type { DeliverySettings } from '../../src/compose.deliveries.js';
import { composeGateway, type Gateway } from '../../src/compose.js';
import { composeLimits, composeLocalLimits } from '../../src/compose.limits.js';
import { type LimitsConfig, readConfig } from '../../src/config.js';
import { createHttpServer } from '../../src/http/server.js';
import type { StatementListener } from '../../src/platform/db/database.js';
import { LOCK_COLUMN } from '../../src/platform/db/lock.fence.js';
import { createLog, type Log } from '../../src/platform/log.js';
import type { Scope } from '../../src/platform/tenancy/scope.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { TilledPaymentMethod } from '../../src/tilled/tilled.shapes.js';
import { TEST_ENCRYPTION, TEST_ENCRYPTION_KEY } from './encryption.js';
import { LockTap } from './lock-tap.js';
import * as ops from './operations.generated.js';
import type { Environment } from './processes.js';
import { Reached } from './reached.js';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.js';
import { StatementTap } from './statement-tap.js';

/** When every world begins. */
const WORLD_BEGINS = new Date('2026-03-01T12:00:00.000Z');

/** What came back over HTTP. */
export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data | null;
  readonly errors: readonly {
    readonly message: string;
    readonly path?: readonly unknown[];
    readonly extensions: { readonly code: string };
  }[];
  /** What is told beside data and errors. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** An app of a world, with a key and a Tilled account of its own. */
export interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly accountId: string;
  readonly tilledSecretKey: string;
}

/** A second gateway beside that of a world. */
export interface GatewayBeside {
  readonly gateway: Gateway;
  /** The id of its encryption key. */
  readonly keyId: string;
  /** The status with which it answers a credential. */
  get(credential: string): Promise<number>;
  /** What it answers to a body that is posted to its /graphql. */
  post<Data>(body: object, credential: string): Promise<Pick<Answer<Data>, 'data' | 'errors'>>;
  close(): Promise<void>;
}

/** Headers and credential of one request. */
export interface RequestOptions {
  readonly credential?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another gateway than that of the world. */
  readonly url?: string;
}

/** Limits of a world; without any it counts in memory, and no test meets them. */
export interface WorldOptions {
  readonly limits?: Partial<LimitsConfig> & { readonly trustedProxies?: readonly string[] };
  readonly log?: Log;
  readonly sessionDocuments?: 'any' | 'registered';
  /** An empty database made elsewhere; the world drops it like its own. */
  readonly scratch?: ScratchDatabase;
  readonly tilledTimeoutMs?: number;
  /** How the world would reach the gateway. */
  readonly publicUrl?: string;
  /** How events are delivered; to receivers on this machine, and with little patience, unless it says otherwise. */
  readonly deliveries?: Partial<DeliverySettings>;
  readonly tilledQuietMs?: number;
  /** Servers for reads that may be a little old, as the environment names them; they are used from the start. */
  readonly replicas?: { readonly url: string; readonly lagSeconds?: number };
  /** `running` is the time of the wall, so that processes of ours share it. */
  readonly clock?: 'still' | 'running';
}

/** How far clocks were set away from that of a world which stands still, ms. */
interface Shifts {
  /** The wall, as the gateway sees it. */
  wallMs: number;
  /** The database server. */
  databaseMs: number;
  /** Time that only passes: it is never set back. */
  ticksMs: number;
}

/** Receivers of tests are on this machine. */
const LOCAL_DELIVERIES: DeliverySettings = { networks: ['127.0.0.0/8', '::1'], timeoutMs: 1_000 };

/** More connections to a gateway than a test keeps open. */
const KEPT_MAX = 16;

/** Limits that no test meets. */
export const UNLIMITED: NonNullable<WorldOptions['limits']> & Omit<LimitsConfig, 'redisUrl'> = {
  requestsPerWindow: 1_000_000,
  sessionRequestsPerWindow: 1_000_000,
  sessionsRequestsPerWindow: 1_000_000,
  failedAuthenticationsPerWindow: 1_000_000,
  webhooksPerHour: 1_000_000,
  graphqlBodyBytesMax: 131_072,
  connectionsMax: 4_096,
};

/** Card numbers and amounts the sandbox knows. */
export const VISA = '4111111111111111';

/**
 * A whole gateway on a database of its own, with the sandbox on the wire and one clock for both, which stands still until
 * it is moved. Queued work is done by `settle`, so a test decides when.
 */
export class World {
  private apps = 0;
  /** Gateways that were replaced. */
  private readonly retired: Gateway[] = [];

  private constructor(
    public gateway: Gateway,
    readonly sandbox: Sandbox,
    public server: FastifyInstance,
    readonly url: string,
    private readonly compose: () => Promise<{ gateway: Gateway; server: FastifyInstance }>,
    readonly webhookSecret: string,
    private readonly webhookEndpointId: string,
    private readonly partner: { readonly accountId: string; readonly secretKey: string },
    private readonly scratch: ScratchDatabase,
    private readonly taps: { readonly statements: StatementTap; readonly locks: LockTap; readonly reached: Reached },
    private readonly clock: 'still' | 'running',
    /** Clocks are set by setting them. */
    readonly shifts: Shifts,
  ) {}

  static async create(options: WorldOptions = {}): Promise<World> {
    const { limits = UNLIMITED, log = createLog('silent'), sessionDocuments = 'any', tilledTimeoutMs = 2_000, clock = 'still' } = options;
    const scratch = options.scratch ?? (await createScratchDatabase());
    const sandbox = await startSandbox({ port: 0, seed: 1, ...(clock === 'still' && { frozenAt: WORLD_BEGINS }) });
    const partner = await sandbox.provision({ name: 'Partner', type: 'partner' });
    const endpoint = (await call(sandbox.url, partner, 'POST', '/v1/webhook-endpoints', {
      url: 'http://127.0.0.1:9/not-yet',
      enabled_events: ['*'],
    })) as { id: string; secret: string };
    const { database, replicas } = readConfig({ DATABASE_URL_BILLING: scratch.url, ...replicasIn(options) }, process.cwd());
    const tilled = {
      baseUrl: sandbox.url,
      secretKey: partner.secretKey,
      publicKey: partner.publishableKey,
      webhookSecret: endpoint.secret,
      accountId: partner.accountId,
    };
    const shifts: Shifts = { wallMs: 0, databaseMs: 0, ticksMs: 0 };
    const compose = async () => {
      const time = { now: () => sandbox.now() };
      const { tilledQuietMs } = options;
      const waits = { tilledTimeoutMs, ...(tilledQuietMs !== undefined && { tilledQuietMs }), canaryPauseMs: 1 };
      const times = timesOf(sandbox, clock, shifts);
      const how = { ...times, ...waits, publicUrl: options.publicUrl ?? null, deliveries: { ...LOCAL_DELIVERIES, ...options.deliveries } };
      const gateway = await composeGateway({ database, replicas, encryption: TEST_ENCRYPTION, log, tilled, ...how });
      const isLimited = limits !== UNLIMITED;
      const config = { ...UNLIMITED, redisUrl: null, ...limits };
      const made = isLimited ? composeLimits({ ...gateway, clock: time }, config) : composeLocalLimits({ ...gateway, clock: time }, config);
      const { trustedProxies, graphqlBodyBytesMax = 131_072, connectionsMax = 4_096 } = limits;
      const server = await createHttpServer({
        ...gateway,
        limits: made,
        trustedProxies,
        graphqlBodyBytesMax,
        connectionsMax,
        metricsAccess: 'open',
        sessionDocuments,
        explorer: null,
      });
      server.addHook('onClose', async () => made.close());
      return { gateway, server };
    };
    const { gateway, server } = await compose();
    const reached = Reached.on(gateway.database);
    await gateway.migrator.migrate();
    const taps = { statements: StatementTap.on(gateway.database), locks: LockTap.on(gateway.database), reached };
    gateway.replicas?.start();
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const world = new World(gateway, sandbox, server, url, compose, endpoint.secret, endpoint.id, partner, scratch, taps, clock, shifts);
    await world.resumeDeliveries();
    return world;
  }

  /** Puts another gateway in the place of this one, on the same database and port. What this one was at is cut off. */
  async restart(): Promise<void> {
    this.server.server.closeAllConnections();
    await this.server.close();
    // Closed at the end only: what still waits for Tilled over there would open it anew, and nobody would close that.
    this.retired.push(this.gateway);
    const { gateway, server } = await this.compose();
    await server.listen({ host: '127.0.0.1', port: Number(new URL(this.url).port) });
    [this.gateway, this.server] = [gateway, server];
    // Connections kept from before are found out to be closed, each by who uses it next.
    await Promise.all(Array.from({ length: KEPT_MAX }, () => fetch(`${this.url}/healthz`).catch(() => null)));
  }

  /**
   * Ends the world. Throws if its books break an invariant, if more or fewer divergences are open than its tests planted, or if a
   * statement was sent that is not confined to one app: whatever a test was about, all of it must hold after it.
   */
  async close({ divergences = 0 } = {}): Promise<void> {
    const { violations } = await this.gateway.verifyBooks();
    const open = await this.gateway.database.query(
      "select kind, class, object_id, fields from billing_divergences where status = 'OPEN'",
      [],
    );
    await this.end();
    if (open.length !== divergences)
      throw new Error(`${open.length} divergences are open, ${divergences} were planted: ${JSON.stringify(open, null, 2)}`);
    if (violations.length > 0) throw new Error(`The books are broken: ${JSON.stringify(violations.slice(0, 5), null, 2)}`);
  }

  /** Ends a world whose books a test broke on purpose. */
  async end(): Promise<void> {
    // A client may have opened a connection that it then did not need: the server would wait for its first request.
    this.server.server.closeAllConnections();
    await this.server.close();
    await this.sandbox.close();
    await this.taps.reached.keep();
    for (const gateway of [...this.retired, this.gateway]) {
      await gateway.replicas?.stop();
      await gateway.database.close();
    }
    await this.scratch.drop();
    this.taps.statements.assertConfined();
    this.taps.locks.assertFenced();
  }

  /** From now on Tilled's deliveries reach nobody; they are tried again later, as failed ones are. */
  async holdDeliveries(): Promise<void> {
    await this.deliverTo('http://127.0.0.1:9/held');
  }

  /** From now on they come here, or to another gateway, or to what stands before several. */
  async resumeDeliveries(url = this.url): Promise<void> {
    await this.deliverTo(`${url}/api/billing/webhooks`);
  }

  /** From now on Tilled's deliveries go to this address. */
  deliverTo(url: string): Promise<unknown> {
    return call(this.sandbox.url, this.partner, 'PATCH', `/v1/webhook-endpoints/${this.webhookEndpointId}`, { url });
  }

  /** Variables with which a process of ours joins this world; its clock is the wall's. */
  get environment(): Environment {
    return {
      DATABASE_URL_BILLING: this.scratch.url,
      BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
      TILLED_BASE_URL: this.sandbox.url,
      TILLED_SECRET_KEY: this.partner.secretKey,
      TILLED_PUBLIC_KEY: 'pk_of_world',
      TILLED_WEBHOOK_SECRET: this.webhookSecret,
      TILLED_ACCOUNT_ID: this.partner.accountId,
    };
  }

  /** A scope of an app, as commands have it. */
  async scope(app: TestApp): Promise<Scope> {
    const scope = await this.gateway.access.scopeOf(app.id, { kind: 'command' }, { requestId: 'test' });
    if (scope === null) throw new Error(`There is no app ${app.id}.`);
    return scope;
  }

  /** An app with a merchant account of its own. */
  async app(): Promise<TestApp> {
    this.apps += 1;
    const id = `app-${this.apps}`;
    const account = await this.sandbox.provision({ name: `Merchant ${this.apps}`, type: 'merchant', partnerId: this.partner.accountId });
    await this.gateway.access.createApp({ id, name: `App ${this.apps}`, tilledAccountId: account.accountId });
    const { key } = await this.gateway.access.createKey(id, 'service');
    return { id, key, accountId: account.accountId, tilledSecretKey: account.secretKey };
  }

  /**
   * A second gateway on the database of this world, or another address of it, with the same clock (or one so much ahead, ms) and
   * caches of its own.
   */
  async anotherGateway({
    hasNewEncryptionKey = false,
    wallMs = 0,
    tilledTimeoutMs = 30_000,
    url = this.scratch.url,
  } = {}): Promise<GatewayBeside> {
    const config = readConfig({ ...this.environment, DATABASE_URL_BILLING: url, NODE_ENV: 'test' }, process.cwd());
    if (config.tilled === null) throw new Error('This world has no Tilled.');
    const encryption = hasNewEncryptionKey ? { key: randomBytes(32), previous: TEST_ENCRYPTION.key } : TEST_ENCRYPTION;
    const clock = { now: () => this.sandbox.now() };
    const { database, tilled } = config;
    const { shifts } = this;
    const theirs = {
      ...{ wallMs, ticksMs: 0 },
      get databaseMs() {
        return shifts.databaseMs;
      },
    };
    const times = timesOf(this.sandbox, this.clock, theirs);
    const how = { ...times, tilledTimeoutMs, deliveries: LOCAL_DELIVERIES };
    const gateway = await composeGateway({ database, encryption, log: createLog('error'), tilled, ...how });
    const server = await createHttpServer({ ...gateway, limits: composeLocalLimits({ ...gateway, clock }, UNLIMITED), explorer: null });
    const asked = (payload: object, credential: string) =>
      server.inject({ method: 'POST', url: '/graphql', headers: { authorization: `Bearer ${credential}` }, payload });
    return {
      gateway,
      keyId: gateway.vault.keyId,
      get: async (credential) => (await asked({ query: '{ app { id } }' }, credential)).statusCode,
      post: async (body, credential) => (await asked(body, credential)).json(),
      close: async () => {
        await server.close();
        await gateway.database.close();
      },
    };
  }

  /** Another key of an app. */
  async key(app: TestApp, role: KeyRole, wish: KeyWish = {}): Promise<string> {
    return (await this.gateway.access.createKey(app.id, role, wish)).key;
  }

  /** Sends a typed operation as an app; the answer as it came. */
  send<Data, Variables>(
    app: TestApp,
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    options: RequestOptions = {},
  ): Promise<Answer<Data>> {
    return this.post<Data>({ query: print(document), variables }, { credential: app.key, ...options });
  }

  /** Sends a typed operation and expects data without top-level errors. */
  async ask<Data, Variables>(
    app: TestApp,
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    options: RequestOptions = {},
  ): Promise<Data> {
    const answer = await this.send(app, document, variables, options);
    if (answer.data === null || answer.errors.length > 0) throw new Error(`HTTP ${answer.status}: ${JSON.stringify(answer.errors)}`);
    return answer.data;
  }

  /** Posts any body to /graphql. */
  async post<Data>(body: unknown, options: RequestOptions = {}): Promise<Answer<Data>> {
    const authorization: Record<string, string> = options.credential ? { authorization: `Bearer ${options.credential}` } : {};
    const headers = { 'content-type': 'application/json', ...authorization, ...options.headers };
    const response = await fetch(`${options.url ?? this.url}/graphql`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const { data = null, errors = [], extensions = {} } = JSON.parse(text) as Partial<Answer<Data>>;
    this.taps.reached.answered(data);
    return { status: response.status, headers: response.headers, data, errors, extensions };
  }

  /** Calls the sandbox's API as an app's account. */
  tilled(app: TestApp, method: string, path: string, body?: unknown): Promise<unknown> {
    return call(this.sandbox.url, { accountId: app.accountId, secretKey: app.tilledSecretKey }, method, path, body);
  }

  /** Calls the sandbox's control surface, e.g. `faults`. */
  control(path: string, body?: unknown): Promise<unknown> {
    return call(this.sandbox.url, this.partner, body === undefined ? 'GET' : 'POST', `/_sandbox/${path}`, body);
  }

  /** A customer of an app. */
  async customer(app: TestApp, input: Partial<ops.CustomerCreateInput> = {}) {
    const { customerCreate } = await this.ask(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com', ...input } });
    return present(customerCreate.customer, customerCreate.userErrors);
  }

  /** A card at Tilled that is attached to nobody yet. */
  async newCard(app: TestApp, number = VISA): Promise<string> {
    const billing = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
    const card = { number, exp_month: 12, exp_year: 2031, cvc: '123' };
    return (
      (await this.tilled(app, 'POST', '/v1/payment-methods', { type: 'card', card, billing_details: billing })) as TilledPaymentMethod
    ).id;
  }

  /** A card of a customer. */
  async card(app: TestApp, customerId: string, input: Partial<ops.PaymentMethodAttachInput> = {}) {
    const tilledPaymentMethodId = input.tilledPaymentMethodId ?? (await this.newCard(app));
    const { paymentMethodAttach } = await this.ask(app, ops.PaymentMethodAttachDocument, {
      input: { customerId, ...input, tilledPaymentMethodId },
    });
    return present(paymentMethodAttach.paymentMethod, paymentMethodAttach.userErrors);
  }

  /** A customer with a card. */
  async payer(app: TestApp) {
    const customer = await this.customer(app);
    return { customer, card: await this.card(app, customer.id) };
  }

  /** A payment of a customer, 50.00 usd unless said otherwise. */
  async payment(app: TestApp, customerId: string, input: Partial<ops.PaymentCreateInput> = {}) {
    const amount = { amountMinor: 5_000, currency: 'usd' };
    const { paymentCreate } = await this.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount, ...input } });
    return present(paymentCreate.payment, paymentCreate.userErrors);
  }

  /** A monthly subscription of a customer, 19.90 usd unless said otherwise. */
  async subscription(app: TestApp, customerId: string, input: Partial<ops.SubscriptionCreateInput> = {}) {
    const price = { amountMinor: 1_990, currency: 'usd' };
    const { subscriptionCreate } = await this.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price, ...input } });
    return present(subscriptionCreate.subscription, subscriptionCreate.userErrors);
  }

  /** Delivers every due webhook, publishes every event and does every due piece of work, until there is none. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      await this.sandbox.drain();
      const done = (await this.gateway.publisher.publish()) + (await this.gateway.worker.drain());
      quiet = done === 0 ? quiet + 1 : 0;
    }
  }

  /** Moves the one clock; what becomes due on the way happens at Tilled, then here. */
  async advance(time: { readonly ms?: number; readonly days?: number }): Promise<void> {
    await this.sandbox.advanceTo(new Date(this.sandbox.now().getTime() + (time.ms ?? 0) + (time.days ?? 0) * 86_400_000));
    await this.settle();
  }

  /** The statements the gateway's database gets while `work` runs. */
  async statements(work: () => Promise<unknown>): Promise<string[]> {
    const seen: string[] = [];
    const listener: StatementListener = (sql) => void seen.push(sql);
    const stop = this.gateway.database.listen(listener);
    await work();
    stop();
    return seen;
  }

  /** The rows of a table of one app, without what counts their locks, which says nothing. */
  async rows(table: string, app: TestApp): Promise<Readonly<Record<string, unknown>>[]> {
    const rows = await this.gateway.database.query(`select * from ${table} where app_id = ? order by id`, [app.id]);
    return rows.map(({ [LOCK_COLUMN]: _, ...row }) => row);
  }

  /** Waits until `check` holds, for what happens outside the clock. */
  async until(check: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 1_250; tries += 1) {
      if (await check()) return;
      await sleep(20);
    }
    throw new Error('It did not happen within 25 s.');
  }
}

function replicasIn({ replicas }: WorldOptions): Environment {
  if (replicas === undefined) return {};
  return {
    DATABASE_URL_BILLING_REPLICAS: replicas.url,
    ...(replicas.lagSeconds !== undefined && { BILLING_REPLICA_LAG_SECONDS: String(replicas.lagSeconds) }),
  };
}

/** The times of a gateway: all three are the sandbox's where that stands still, unless a test set one of them. */
function timesOf(sandbox: Sandbox, clock: 'still' | 'running', shifts: Readonly<Shifts>) {
  if (clock === 'running') return { clock: { now: () => sandbox.now() } };
  const shifted = (ms: number) => new Date(sandbox.now().getTime() + ms);
  const ticks = { ms: () => sandbox.now().getTime() + shifts.ticksMs };
  return { clock: { now: () => shifted(shifts.wallMs) }, ticks, databaseTime: () => shifted(shifts.databaseMs) };
}

function present<Row>(row: Row | null | undefined, userErrors: readonly unknown[]): Row {
  if (row === null || row === undefined) throw new Error(`Nothing was made: ${JSON.stringify(userErrors)}`);
  return row;
}

async function call(
  url: string,
  account: { readonly accountId: string; readonly secretKey: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'tilled-api-key': account.secretKey, 'tilled-account': account.accountId };
  const response = await fetch(url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
