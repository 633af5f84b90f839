import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { takenAtTilled } from './at-tilled.js';
import * as ops from './operations.generated.js';
import { Scrape } from './scrape.js';
import type { Answer, TestApp, World } from './world.js';

/** A payment or refund that was answered, and by which request. */
interface Told {
  readonly kind: 'payment' | 'refund';
  readonly key: string;
  readonly id: string;
  /** When the first request for it was sent, and when it was told, ms of `performance.now()`. */
  readonly askedAt: number;
  readonly toldAt: number;
}

/** An input of a payment or a refund, as it is repeated. */
type Request = { readonly key: string } & (
  | { readonly kind: 'payment'; readonly input: ops.PaymentCreateInput }
  | { readonly kind: 'refund'; readonly input: ops.RefundCreateInput }
);

const CLIENTS = 6;
/** How many clients there are, and which gateway they ask; that of their world if not said. */
interface ClientWishes {
  readonly clients?: number;
  readonly url?: string;
}

/** How one request ended. */
interface Asked {
  readonly sentAt: number;
  readonly tookMs: number;
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
}

/** What each payment takes. */
const AMOUNT_MINOR = 1_000;
/** What a caller may be told that has to repeat. */
const REPEAT = ['OK', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'IDEMPOTENCY_IN_PROGRESS'];
/** How long a client repeats one request, ms. */
const REPEATED_FOR_MS = 120_000;

/** Clients that pay, and give every third payment back, and repeat with the same key whatever they were not told. */
export class PayingClients {
  readonly told: Told[] = [];
  /** Every code that was answered, and how often. */
  readonly codes = new Map<string, number>();
  /** Every request, in the order in which they were answered. */
  readonly asked: Asked[] = [];
  /** The longest that one request took, ms. */
  slowestMs = 0;
  private isStopped = false;
  private readonly running: Promise<void>[];

  constructor(
    private readonly world: World,
    private readonly app: TestApp,
    private readonly customerId: string,
    private readonly name: string,
    private readonly wishes: ClientWishes = {},
  ) {
    this.running = Array.from({ length: wishes.clients ?? CLIENTS }, (_, client) => this.client(client));
  }

  /** Ends when each client was told what became of its last request. Throws if one never was. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running);
  }

  /** After how long from `at` the first request was answered that was sent after it, ms. Throws if there is none. */
  recoveredAfterMs(at: number): number {
    const times = this.told.filter(({ askedAt }) => askedAt >= at).map(({ toldAt }) => toldAt - at);
    if (times.length === 0) throw new Error('Nothing was answered after that.');
    return Math.round(Math.min(...times));
  }

  /** Waits until something was answered that was asked after `at`. Throws if nothing is for as long as clients repeat. */
  async untilTold(at: number): Promise<void> {
    while (!this.told.some(({ askedAt }) => askedAt >= at)) {
      if (performance.now() - at > REPEATED_FOR_MS) throw new Error('Nothing was answered after that.');
      await sleep(20);
    }
  }

  /** The codes that tell a caller anything but that it was done, or is to be repeated. */
  otherCodes(): string[] {
    return [...this.codes.keys()].filter((code) => !REPEAT.includes(code));
  }

  /** All that was told is in the books and at Tilled, once; so is what was asked for; and no work is left. */
  async allIsThereOnce(): Promise<void> {
    const { told, world, app } = this;
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    const [payments, refunds] = [await world.rows('billing_payments', app), await world.rows('billing_refunds', app)];
    const done = new Set([...payments, ...refunds].filter(({ status }) => status === 'SUCCEEDED').map(({ id }) => id));
    expect(told.filter(({ id }) => !done.has(id))).toEqual([]);
    expect(done.size).toBe(payments.length + refunds.length);
    // Each payment took its money once, and gave it back once where that was asked for.
    const taken = (await takenAtTilled(world, app)).toSorted((one, other) => one - other);
    expect(taken).toEqual([...refunds.map(() => 0), ...payments.slice(refunds.length).map(() => AMOUNT_MINOR)]);
    await world.until(async () => ((await Scrape.from(world.url)).value('billing_queue_oldest_due_seconds') ?? 99) < 5);
    const report = await world.gateway.reconciliation.run.runNow(await world.scope(app));
    expect(report).toMatchObject({ found: 0 });
    expect((await world.gateway.verifyBooks()).violations).toEqual([]);
  }

  /** Prints what was seen. */
  report(what: string, recoveredMs: number): void {
    const { told, codes, slowestMs } = this;
    process.stdout.write(`${JSON.stringify({ what, recoveredMs, told: told.length, codes: Object.fromEntries(codes), slowestMs })}
`);
  }

  private async client(client: number): Promise<void> {
    for (let turn = 0; !this.isStopped; turn += 1) {
      const order = `${this.name}-${client}-${turn}`;
      const amount = { amountMinor: AMOUNT_MINOR, currency: 'usd' };
      const input = { customerId: this.customerId, amount, referenceId: order, idempotencyKey: `pay-${order}` };
      const paymentId = await this.insist({ kind: 'payment', key: input.idempotencyKey, input });
      if (turn % 3 !== 0) continue;
      const refund = { paymentId, idempotencyKey: `refund-${order}` };
      await this.insist({ kind: 'refund', key: refund.idempotencyKey, input: refund });
    }
  }

  /** The id of what was done, once that is certain. */
  private async insist(request: Request): Promise<string> {
    const askedAt = performance.now();
    for (let answered = await this.ask(request); performance.now() - askedAt < REPEATED_FOR_MS; answered = await this.ask(request)) {
      if (answered.id !== null) {
        this.told.push({ kind: request.kind, key: request.key, id: answered.id, askedAt, toldAt: performance.now() });
        return answered.id;
      }
      await sleep(Math.min(answered.retryAfterMs, 500));
    }
    throw new Error(`${request.key} was never answered.`);
  }

  private async ask(request: Request): Promise<{ readonly id: string | null; readonly retryAfterMs: number }> {
    const sentAt = performance.now();
    const answer = await (request.kind === 'payment' ? this.pay(request.input) : this.refund(request.input));
    const tookMs = Math.round(performance.now() - sentAt);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    const code = answer.errors[0]?.extensions.code ?? answer.userErrors[0]?.code ?? 'OK';
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    this.asked.push({ sentAt, tookMs, status: answer.status, code, retryAfter: answer.retryAfter });
    return { id: code === 'OK' ? answer.id : null, retryAfterMs: 300 };
  }

  private async pay(input: ops.PaymentCreateInput) {
    const answer: Answer<ops.PaymentCreateMutation> = await this.world.send(this.app, ops.PaymentCreateDocument, { input }, this.where);
    const { payment = null, userErrors = [] } = answer.data?.paymentCreate ?? {};
    return { ...told(answer), userErrors, id: payment?.id ?? null };
  }

  private async refund(input: ops.RefundCreateInput) {
    const answer: Answer<ops.RefundCreateMutation> = await this.world.send(this.app, ops.RefundCreateDocument, { input }, this.where);
    const { refund = null, userErrors = [] } = answer.data?.refundCreate ?? {};
    return { ...told(answer), userErrors, id: refund?.id ?? null };
  }

  private get where() {
    return this.wishes.url === undefined ? {} : { url: this.wishes.url };
  }
}

function told({ errors, status, headers }: Answer<unknown>) {
  return { errors, status, retryAfter: headers.get('retry-after') };
}
