import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import * as ops from './operations.generated.js';
import type { Answer, TestApp, World } from './world.js';

/** How one question was answered. */
export interface Seen {
  readonly what: 'read' | 'webhook' | 'ready';
  /** Ms of `performance.now()`. */
  readonly sentAt: number;
  readonly tookMs: number;
  readonly status: number;
  /** `OK`, or the code of what was refused. */
  readonly code: string;
  readonly retryAfter: string | null;
}

const EVERY_MS = 250;
/** The longest that anybody waits, ms. */
const WAIT_MS_MAX = 30_000;

/** Asks a gateway all the time for a customer, to take a webhook, and whether it is ready: each anew, whether or not the last was answered. */
export class Onlooker {
  readonly seen: Seen[] = [];
  private isStopped = false;
  private readonly waiting = new Set<Promise<void>>();
  private readonly running: Promise<void>;

  constructor(
    private readonly world: World,
    private readonly app: TestApp,
    private readonly customerId: string,
    private readonly url: string,
  ) {
    this.running = this.ask();
  }

  /** Ends when everything that was asked is answered. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.waiting);
  }

  /** What was asked from one moment on, and before another. */
  between(from: number, until: number): Seen[] {
    return this.seen.filter(({ sentAt }) => sentAt >= from && sentAt < until);
  }

  private async ask(): Promise<void> {
    while (!this.isStopped) {
      for (const what of ['read', 'webhook', 'ready'] as const) this.note(what);
      await sleep(EVERY_MS);
    }
  }

  private note(what: Seen['what']): void {
    const sentAt = performance.now();
    const asked = this[what]().then(
      ({ status, code, retryAfter }) =>
        void this.seen.push({ what, sentAt, tookMs: Math.round(performance.now() - sentAt), status, code, retryAfter }),
    );
    this.waiting.add(asked);
    void asked.then(() => this.waiting.delete(asked));
  }

  private async read() {
    const { status, errors, headers } = await this.world.send(this.app, ops.CustomerDocument, { id: this.customerId }, { url: this.url });
    return { status, code: errors[0]?.extensions.code ?? 'OK', retryAfter: headers.get('retry-after') };
  }

  private async webhook() {
    const event = { id: `evt_${randomUUID()}`, type: 'customer.updated', account_id: this.app.accountId, data: { id: 'cus_nobody' } };
    const body = JSON.stringify(event);
    const signature = signPayload({ secret: this.world.webhookSecret, rawBody: body, timestampMs: Date.now() });
    return this.send('/api/billing/webhooks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tilled-signature': signature },
      body,
    });
  }

  private ready() {
    return this.send('/readyz', {});
  }

  private async send(path: string, request: RequestInit) {
    const response = await fetch(`${this.url}${path}`, { ...request, signal: AbortSignal.timeout(WAIT_MS_MAX) });
    const { errors = [] } = (await response.json()) as Partial<Pick<Answer<unknown>, 'errors'>>;
    return { status: response.status, code: errors[0]?.extensions.code ?? 'OK', retryAfter: response.headers.get('retry-after') };
  }
}
