import type { AddressInfo } from 'node:net';
import { actionPages } from './action-page.js';
import { WEBHOOK_RETRY_DELAYS_MS } from './assumptions.js';
import { checkoutPages } from './checkout-page.js';
import { controlPages } from './control.js';
import { Engine } from './engine.js';
import { Faults } from './faults.js';
import { hostedFieldsPages } from './hosted-fields.js';
import type { LatencyOptions } from './latency.js';
import { Latency } from './latency.js';
import type { Provisioned, ProvisionInput } from './provision.js';
import { provisionAccount } from './provision.js';
import type { RequestEntry } from './request-log.js';
import { RequestLog } from './request-log.js';
import { allRoutes } from './resources/routes.js';
import { Router } from './router.js';
import { sandboxServer } from './server.js';
import { timerHandlers } from './timer-handlers.js';
import { WritesUnderWay } from './under-way.js';

/** How a sandbox is to be. */
export interface SandboxOptions {
  /** 0 takes any free port. */
  port: number;
  /** Default 127.0.0.1: card numbers come here, so only this machine should reach it. */
  host?: string;
  /** Where the state is kept, a SQLite file; without it in memory only. */
  stateFile?: string;
  /** With a seed, the same calls give the same ids, events and order. */
  seed?: number;
  /** The clock stands still at this time until it is moved; without it, it runs. */
  frozenAt?: Date;
  /** Virtual milliseconds between the attempts of a webhook delivery; as many retries as delays. */
  webhookRetryDelaysMs?: number[];
  /** How many deliveries are under way at once. Default 1 with a seed, which keeps their order, otherwise 16. */
  webhookConcurrency?: number;
  /** Whose time signatures carry. Default: the sandbox's when frozen, else the wall's, for receivers on real time. */
  signatureClock?: 'virtual' | 'real';
  /** How long answers take, for load tests; default at once. */
  latency?: LatencyOptions;
  /** Whether requests are kept for GET /_sandbox/requests. Default true. */
  requestLog?: boolean;
}

/** A running sandbox. */
export interface Sandbox {
  /** Where it listens, without a slash at the end. */
  url: string;
  port: number;
  /** An account with keys; the same ids give the same account. */
  provision(input?: ProvisionInput): Promise<Provisioned>;
  /** The sandbox's time. */
  now(): Date;
  /** Moves its clock forward; all that becomes due on the way was done when this resolves. */
  advanceTo(time: Date): Promise<void>;
  /** The requests it saw, oldest first; of one operation such as `POST /v1/refunds`, or all. */
  requests(operation?: string): RequestEntry[];
  /** Waits until every due webhook delivery was attempted. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a sandbox and resolves when it listens. Rejects when the port is taken or the state file cannot be opened. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const engine = new Engine({
    stateFile: options.stateFile,
    seed: options.seed,
    frozenAt: options.frozenAt,
    webhooks: {
      retryDelaysMs: options.webhookRetryDelaysMs ?? WEBHOOK_RETRY_DELAYS_MS,
      concurrency: options.webhookConcurrency ?? (options.seed === undefined ? 16 : 1),
      signatureClock: options.signatureClock ?? (options.frozenAt === undefined ? 'real' : 'virtual'),
    },
    timerHandlers,
  });
  const faults = new Faults();
  const latency = new Latency(options.latency);
  const log = new RequestLog(options.requestLog ?? true);
  const underWay = new WritesUnderWay(engine);
  const pages = [controlPages({ engine, faults, latency, log, underWay }), hostedFieldsPages(), checkoutPages(engine), actionPages(engine)];
  const server = sandboxServer({ engine, router: new Router(allRoutes), faults, latency, log, underWay, pages });
  const host = options.host ?? '127.0.0.1';
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, () => resolve(portOf(server.address())));
  });
  engine.baseUrl = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  engine.runDueTimers();
  engine.webhooks.pump();
  return {
    url: engine.baseUrl,
    port,
    provision: async (input = {}) => engine.transaction(() => provisionAccount(engine, input)),
    now: () => new Date(engine.clock.now()),
    advanceTo: (time) => engine.advanceTo(time.getTime()),
    requests: (operation) => log.list({ operation }),
    drain: () => engine.drain(),
    close: async () => {
      underWay.abandonAll();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, engine.close()]);
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the sandbox listens on no port');
  return address.port;
}
