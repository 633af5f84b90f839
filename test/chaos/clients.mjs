import { setTimeout as sleep } from 'node:timers/promises';
import { Seeded } from './seeded.mjs';
import { NOT_YET } from './told.mjs';

const CLIENTS = 8;
/** How long an answer is waited for, ms, and how often a request is sent before it is parked. */
const PATIENCE = { requestMsMax: 6_000, tries: 8 };
const TRIES_OF_PARKED = 2;
const BACKOFF_MS = [50, 100, 200, 400, 800];
const WEIGHTS = {
  customerCreate: 1,
  paymentMethodAttach: 0.7,
  paymentMethodDetach: 0.3,
  paymentCreate: 5,
  paymentCapture: 1.6,
  paymentCancel: 0.6,
  refundCreate: 2.5,
  subscriptionCreate: 0.8,
  subscriptionCancel: 0.5,
};
const ROWS = {
  customerCreate: 'customer { id }',
  paymentMethodAttach: 'paymentMethod { id }',
  paymentMethodDetach: 'paymentMethod { id detachedAt }',
  paymentCreate: 'payment { id status amount { amountMinor } }',
  paymentCapture: 'payment { id status captured { amountMinor } }',
  paymentCancel: 'payment { id status }',
  refundCreate: 'refund { id status amount { amountMinor } }',
  subscriptionCreate: 'subscription { id status }',
  subscriptionCancel: 'subscription { id status }',
};
/** How often a client takes up a parked request again, and one that it has the answer to, instead of a new one. */
const TAKES_UP = { parked: 0.15, told: 0.05 };

/**
 * Clients that behave: a key a request, the same key until the answer is definite, with back-off, each time at the next gateway. A
 * request that stays in doubt for longer than its patience is parked, and repeated later.
 */
export class Clients {
  /** What each request was told in the end, and ever: {operation, input, row, errors, tries, answers: [{row, errors}]}. */
  told = [];
  /** Requests without a definite answer yet. */
  parked = [];
  /** What was sent, each time: {from, to, said}, in ms of performance.now(); `said` is `done`, the codes of errors, or `no answer`. */
  sent = [];
  /** From the first time that a request was sent until its definite answer came, with all that was between: {from, to}. */
  waits = [];
  #customers = [];
  #payments = [];
  #subscriptions = [];
  #requests = 0;
  #isStopped = false;
  #turns = 0;

  /** @param {{ requestMsMax: number, tries: number }} [patience] of each client */
  constructor(stage, seed, patience = PATIENCE) {
    Object.assign(this, { stage, seed, patience });
  }

  /** Begins the load. */
  start() {
    this.running = Promise.all(Array.from({ length: CLIENTS }, (_, index) => this.#work(new Seeded(`${this.seed} client ${index}`))));
  }

  /** Takes up nothing new; resolves when what is in hand was answered or parked. */
  async stop() {
    this.#isStopped = true;
    await this.running;
  }

  /** Repeats what is parked; what is still not definite stays parked. */
  async repeatParked() {
    const parked = this.parked.splice(0);
    await Promise.all(parked.map((request) => this.#finish(request, TRIES_OF_PARKED)));
  }

  /** Repeats what was told once more: a key answers what became of its request, for as long as it is kept. */
  async repeatTold() {
    const left = [...this.told];
    const ask = async () => {
      for (let request = left.pop(); request !== undefined; request = left.pop()) await this.#again(request);
    };
    await Promise.all(Array.from({ length: CLIENTS }, ask));
  }

  async #work(random) {
    while (!this.#isStopped) {
      const known = random.chance(TAKES_UP.told) ? random.pick(this.told.slice(-100)) : undefined;
      if (known !== undefined) await this.#again(known);
      const request = this.#unparked(random) ?? (await this.#next(random));
      // Now and then the same request twice at once, as from a user who clicks twice.
      const copies = random.chance(0.05) ? 2 : 1;
      if (request !== null) await Promise.all(Array.from({ length: copies }, () => this.#finish(request, this.patience.tries)));
      await sleep(random.between(10, 60));
    }
  }

  #unparked(random) {
    if (this.parked.length === 0 || !random.chance(TAKES_UP.parked)) return null;
    return this.parked.splice(random.between(0, this.parked.length - 1), 1)[0];
  }

  async #again(request) {
    const answer = await this.#send(request);
    if (answer !== null) request.answers.push(answer);
  }

  async #next(random) {
    const operation = this.#customers.length < 3 ? 'customerCreate' : random.weighted(WEIGHTS);
    this.#requests += 1;
    const number = this.#requests;
    const input = await this.#inputOf(operation, number, random);
    return input === null
      ? null
      : { operation, input: { ...input, idempotencyKey: `key-${number}` }, tries: 0, isTold: false, answers: [] };
  }

  async #inputOf(operation, number, random) {
    const customer = random.pick(this.#customers.slice(-40));
    const payer = random.pick(this.#customers.filter((one) => one.cards.length > 0).slice(-40));
    const payment = (status) => random.pick(this.#payments.filter((one) => one.status === status).slice(-60));
    const money = (amountMinor) => ({ amountMinor, currency: 'usd' });
    switch (operation) {
      case 'customerCreate':
        return { email: `chaos-${number}@example.com`, externalId: `external-${number}` };
      case 'paymentMethodAttach':
        return customer ? { customerId: customer.id, tilledPaymentMethodId: await this.#newCard() } : null;
      case 'paymentMethodDetach':
        return payer ? { id: random.pick(payer.cards) } : null;
      case 'paymentCreate': {
        const captureMethod = random.chance(0.35) ? 'MANUAL' : 'AUTOMATIC';
        const amount = money(random.chance(0.04) ? 777_702 : random.between(1_000, 9_999));
        return payer ? { customerId: payer.id, amount, captureMethod, referenceId: `order-${number}` } : null;
      }
      case 'paymentCapture': {
        const held = payment('REQUIRES_CAPTURE');
        return held ? { id: held.id, ...(random.chance(0.3) ? { amount: money(random.between(500, 1_000)) } : {}) } : null;
      }
      case 'paymentCancel': {
        const held = payment('REQUIRES_CAPTURE');
        return held ? { id: held.id } : null;
      }
      case 'refundCreate': {
        const taken = payment('SUCCEEDED');
        const part = random.chance(0.3) ? { amount: money(random.between(100, 400)) } : {};
        return taken ? { paymentId: taken.id, referenceId: `refund-${number}`, ...part } : null;
      }
      case 'subscriptionCreate':
        return payer ? { customerId: payer.id, price: money(random.between(500, 2_000)) } : null;
      default: {
        const subscription = random.pick(this.#subscriptions.slice(-20));
        return subscription ? { id: subscription.id, mode: 'IMMEDIATELY' } : null;
      }
    }
  }

  async #newCard() {
    const { id } = await this.stage.tilled('POST', '/v1/payment-methods', {
      type: 'card',
      card: { number: '4111111111111111', exp_month: 12, exp_year: 2035, cvc: '123' },
      billing_details: { name: 'Ann Lee', address: { zip: '12345', country: 'US' } },
    });
    return id;
  }

  async #finish(request, triesMax) {
    request.from ??= performance.now();
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (request.isTold) return;
      request.tries += 1;
      const answer = await this.#send(request);
      if (answer !== null) request.answers.push(answer);
      if (answer !== null && !answer.errors.some(({ code }) => NOT_YET.includes(code))) return this.#note(request, answer);
      if (answer !== null) request.last = answer.errors.map(({ code }) => code).join();
      await sleep(BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]);
    }
    if (!request.isTold && !this.parked.includes(request)) this.parked.push(request);
  }

  /** The payload, or null where there is none: the gateway died, or failed. */
  async #send(request) {
    const from = performance.now();
    const { answer = null, said } = await this.#ask(request).catch(() => ({ said: 'no answer' }));
    this.sent.push({ from, to: performance.now(), said });
    return answer;
  }

  async #ask({ operation, input: { idempotencyKey, ...input } }) {
    const type = `${operation[0].toUpperCase()}${operation.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${operation}(input: $input) { ${ROWS[operation]} userErrors { code message } replayed } }`;
    this.#turns += 1;
    const { url } = this.stage.gateways[this.#turns % this.stage.gateways.length];
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.stage.key}`, 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ query, variables: { input } }),
      signal: AbortSignal.timeout(this.patience.requestMsMax),
    });
    const { data, errors } = await response.json();
    if (!data) return { said: errors?.[0]?.extensions?.code ?? `status ${response.status}` };
    const { userErrors, replayed: _, ...rows } = data[operation];
    return { answer: { row: Object.values(rows)[0], errors: userErrors }, said: userErrors.map(({ code }) => code).join() || 'done' };
  }

  #note(request, { row, errors }) {
    if (request.isTold) return;
    request.isTold = true;
    this.waits.push({ from: request.from, to: performance.now() });
    this.told.push({ ...request, row, errors });
    if (row === null || errors.length > 0) return;
    const { operation, input } = request;
    if (operation === 'customerCreate') this.#customers.push({ id: row.id, cards: [] });
    if (operation === 'paymentMethodAttach') this.#customers.find(({ id }) => id === input.customerId).cards.push(row.id);
    if (operation === 'paymentMethodDetach')
      for (const customer of this.#customers) customer.cards = customer.cards.filter((id) => id !== row.id);
    if (operation === 'paymentCreate') this.#payments.push({ id: row.id, status: row.status });
    if (operation === 'subscriptionCreate') this.#subscriptions.push({ id: row.id });
    const changed = this.#payments.find(({ id }) => id === input.id);
    if (changed !== undefined) changed.status = row.status;
  }
}
