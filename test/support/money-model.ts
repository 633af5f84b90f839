import { setTimeout as sleep } from 'node:timers/promises';
import { findViolations } from '../../src/backoffice/reconciliation/invariants.js';
import { type Answer, compare, type Told } from '../chaos/compare.mjs';
import { NOT_YET } from '../chaos/told.mjs';
import { atTilled, newBankAccount } from './at-tilled.js';
import { APPS, CALLED_BY, faultOf, type Place, type Request, type Run, type Sending, SLOW_MS, type Step } from './money-steps.js';
import { MortalGateway } from './mortal-gateway.js';
import type { GatewayBeside, TestApp, World } from './world.js';

/** Short, so that an answer can come too late without the test waiting long, ms. */
export const TIMEOUT_MS = 700;
const DAY_MS = 86_400_000;
/** A key is kept for 30 days; a client that comes back later is a new one. */
const KEY_DAYS = 25;
const SETTLING_ROUNDS = 14;
const DEAF_ROUNDS = 2;
/** Longer than a lease. */
const LEASE_ENDS_MS = 16_000;
/** For less than the quiet time anything may be under way: that is what it promises. */
const UNDER_WAY_MS_MAX = 200_000;
const ROWS: Readonly<Record<string, string>> = {
  customerCreate: 'customer { id }',
  paymentCreate: 'payment { id status captured { amountMinor } }',
  paymentCapture: 'payment { id status captured { amountMinor } }',
  paymentCancel: 'payment { id status captured { amountMinor } }',
  refundCreate: 'refund { id status amount { amountMinor } }',
  subscriptionCreate: 'subscription { id status }',
  subscriptionCancel: 'subscription { id status }',
};

interface Sent {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly sentAt: number;
  told: Told | null;
  /** All it was ever told. */
  readonly answers: Answer[];
}

interface Party {
  readonly app: TestApp;
  readonly customerId: string;
  readonly card: string;
  readonly bank: string;
  readonly requests: Sent[];
}

/** One run: clients of some apps, what they asked for and what they were told, on a world where everything goes wrong. */
export class MoneyModel {
  private parties: Party[] = [];
  private readonly mortal: MortalGateway;
  private beside: GatewayBeside | null = null;
  private runs = 0;
  /** How much time has passed since nothing was under way, ms. */
  private passedMs = 0;

  constructor(
    private readonly world: World,
    /** Counts what happened, over all runs. */
    private readonly seen: Record<
      'requests' | 'told' | 'notYet' | 'repeated' | 'faults' | 'charges' | 'refunds' | 'deaths' | 'held',
      number
    >,
  ) {
    this.mortal = new MortalGateway(world);
  }

  /** Does the steps, lets everything settle, and gives what is off; nothing when all is well. */
  async run({ isDeaf, besideAheadMs, steps }: Run): Promise<string[]> {
    this.runs += 1;
    await this.calm();
    this.parties = [];
    for (let made = 0; made < APPS; made += 1) this.parties.push(await this.newParty());
    if (isDeaf) await this.world.control('webhooks', { paused: true });
    await this.withAnother(besideAheadMs, async () => {
      for (const step of steps) {
        if (isDeaf && 'event' in step && (step.event.do === 'wire' || step.event.do === 'backfill')) continue;
        await this.mortal.survived(() => this.take(step));
        if (this.mortal.isDead) this.seen.deaths += 1;
        if (this.mortal.isDead) await this.mortal.revive();
      }
    });
    await this.settle(isDeaf);
    const off = await this.findings();
    await this.endSubscriptions();
    return off;
  }

  /** Not on the embedded database: it has one connection a process, and two in one process would wait for each other for ever. */
  private async withAnother(wallMs: number, work: () => Promise<void>): Promise<void> {
    const { world } = this;
    if (!world.gateway.database.isEmbedded) this.beside = await world.anotherGateway({ wallMs, tilledTimeoutMs: TIMEOUT_MS });
    try {
      await work();
    } finally {
      await this.beside?.close();
      this.beside = null;
    }
  }

  private async newParty(): Promise<Party> {
    const app = await this.world.app();
    const customer = await this.world.customer(app);
    const card = await this.world.card(app, customer.id);
    const tilledPaymentMethodId = await newBankAccount(this.world, app);
    const bank = await this.world.card(app, customer.id, { tilledPaymentMethodId });
    return { app, customerId: customer.id, card: card.id, bank: bank.id, requests: [] };
  }

  private async take(step: Step): Promise<void> {
    if ('event' in step) return this.happen(step.event);
    const requests: Promise<unknown>[] = [];
    for (const request of step.together) {
      const sent = this.requestOf(request);
      if (sent !== null) await this.arm(request);
      if (sent !== null)
        for (let copy = 0; copy < request.copies; copy += 1) requests.push(this.send(this.partyOf(request.app), sent, request.at));
    }
    if (step.banksAnswer !== null) requests.push(this.banksAnswer(step.banksAnswer === 'back'));
    if (step.withWork) requests.push(this.world.sandbox.drain(), this.world.gateway.worker.drain());
    if (step.isSlow) requests.push(this.leasesEnd());
    // All of them end before the next gateway begins, as all that a dead process was at has ended.
    const failed = (await Promise.allSettled(requests)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The fault that meets a request on its way. */
  private async arm(request: Sending): Promise<void> {
    if (request.fault === null || request.do === 'repeat') return;
    if (request.fault.startsWith('held')) this.seen.held += 1;
    // The second call of a payment is the one that takes it.
    const skip = request.do === 'pay' ? request.amountMinor % 2 : 0;
    await this.world.control('faults', { operation: CALLED_BY[request.do], times: 1, skip, ...faultOf(request.fault, TIMEOUT_MS) });
  }

  private async happen(event: Extract<Step, { event: unknown }>['event']): Promise<void> {
    const { world } = this;
    switch (event.do) {
      case 'work':
        return this.work(event.at);
      case 'arrive':
        return this.arrive();
      case 'set':
        world.shifts[event.clock === 'wall' ? 'wallMs' : 'databaseMs'] = event.ms;
        return;
      case 'deliver':
        return world.sandbox.drain();
      case 'batch':
        return void (await world.control('batch', {}));
      case 'backfill':
        for (const { app } of this.parties) await world.gateway.webhooks.backfill.run(await world.scope(app)).catch(() => 0);
        return;
      case 'time':
        await this.pass(event.ms);
        return world.settle();
      case 'wire': {
        const { do: _, ...settings } = event;
        return void (await world.control('webhooks', settings));
      }
      case 'fault':
        return void (await world.control('faults', {
          operation: event.operation,
          skip: event.skip,
          times: 1,
          ...faultOf(event.kind, TIMEOUT_MS),
        }));
      case 'die':
        return this.mortal.dieAt(event.atStatement);
      case 'bank':
        return this.bankSays(this.partyOf(event.app), event.pick, event.comesBack);
    }
  }

  private async work(at: Place): Promise<void> {
    await (at === 'beside' && this.beside !== null ? this.beside : this.world).gateway.worker.drain();
  }

  /** Time passes; before it is too long, what is under way has its effect. */
  private async pass(ms: number): Promise<void> {
    if (this.passedMs + ms > UNDER_WAY_MS_MAX) await this.arrive();
    this.passedMs += ms;
    await this.world.sandbox.advanceTo(new Date(this.world.sandbox.now().getTime() + ms));
  }

  private async arrive(): Promise<void> {
    await this.world.control('underway', {});
    this.passedMs = 0;
  }

  /** While requests are under way: their leases end, and another takes the work. */
  private async leasesEnd(): Promise<void> {
    await sleep(SLOW_MS / 2);
    await this.pass(LEASE_ENDS_MS);
    await this.work('beside');
  }

  /** A bank debit that is under way goes through, or comes back. */
  private async bankSays(party: Party, pick: number, comesBack: boolean): Promise<void> {
    const intents = await atTilled(this.world, party.app, 'payment_intents');
    const debits = intents.filter(({ status }) => status === 'processing' || (comesBack && status === 'succeeded'));
    const intent = debits[pick % Math.max(debits.length, 1)];
    // A card payment among them is refused: cards do not come back.
    if (intent) await this.world.control(comesBack ? 'return' : 'settle', { paymentIntentId: intent['id'] }).catch(() => null);
  }

  /** While requests are under way: every bank debit ends, and we hear of it and look, before a slow answer is back. */
  private async banksAnswer(comesBack: boolean): Promise<void> {
    await sleep(SLOW_MS / 3);
    for (const party of this.parties) await this.bankSays(party, 0, comesBack);
    await this.world.sandbox.drain();
    await this.world.gateway.worker.drain();
  }

  /** The request a step stands for now; null if there is nothing that it could be about. */
  private requestOf(request: Request): Sent | null {
    const party = this.partyOf(request.app);
    const asked = request.do === 'repeat' ? this.earlier(party, request.pick) : this.fresh(party, request);
    if (asked === null) return null;
    if (request.do === 'repeat') this.seen.repeated += 1;
    else party.requests.push(asked);
    return asked;
  }

  private earlier(party: Party, pick: number): Sent | null {
    const now = this.world.sandbox.now().getTime();
    const young = party.requests.filter(({ sentAt }) => now - sentAt < KEY_DAYS * DAY_MS);
    return young[pick % Math.max(young.length, 1)] ?? null;
  }

  private fresh(party: Party, request: Exclude<Request, { do: 'repeat' }>): Sent | null {
    const name = `${this.runs}-${party.app.id}-${party.requests.length}`;
    const made = this.inputOf(party, request, name);
    if (made === null) return null;
    const [operation, input] = made;
    this.seen.requests += 1;
    return {
      operation,
      input: { ...input, idempotencyKey: `key ${name}` },
      sentAt: this.world.sandbox.now().getTime(),
      told: null,
      answers: [],
    };
  }

  private inputOf(party: Party, request: Exclude<Request, { do: 'repeat' }>, name: string): [string, object] | null {
    const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });
    const one = (operation: string, pick: number, held?: boolean) => {
      const rows = party.requests.flatMap(({ told, input }) => {
        const isMeant = told?.operation === operation && told.errors.length === 0 && (!held || input['captureMethod'] === 'MANUAL');
        return isMeant ? [String(told?.row?.['id'])] : [];
      });
      return rows[pick % Math.max(rows.length, 1)] ?? null;
    };
    switch (request.do) {
      case 'pay': {
        const captureMethod = request.hold && request.with === 'card' ? 'MANUAL' : 'AUTOMATIC';
        const { customerId } = party;
        const what = { customerId, paymentMethodId: party[request.with], amount: usd(request.amountMinor), captureMethod };
        return ['paymentCreate', { ...what, referenceId: `order ${name}` }];
      }
      case 'again': {
        const named = party.requests.filter(({ input }) => 'referenceId' in input);
        const earlier = named[request.pick % Math.max(named.length, 1)];
        if (earlier === undefined) return null;
        const { operation, input } = earlier;
        // A bank holds nothing.
        const method = input['captureMethod'] === 'MANUAL' ? party.card : party[request.with];
        return [operation, { ...input, ...(operation === 'paymentCreate' ? { paymentMethodId: method } : {}) }];
      }
      case 'subscribe':
        return ['subscriptionCreate', { customerId: party.customerId, paymentMethodId: party[request.with], price: usd(1_500) }];
      case 'customer':
        return ['customerCreate', { email: 'bob@example.com', externalId: `external ${name}` }];
      case 'unsubscribe': {
        const id = one('subscriptionCreate', request.pick);
        return id === null ? null : ['subscriptionCancel', { id, mode: 'IMMEDIATELY' }];
      }
      case 'refund': {
        const paymentId = one('paymentCreate', request.pick);
        const part = request.part ? { amount: usd(300) } : {};
        return paymentId === null ? null : ['refundCreate', { paymentId, referenceId: `refund ${name}`, ...part }];
      }
      default: {
        const id = one('paymentCreate', request.pick, true);
        if (id === null) return null;
        const part = request.do === 'capture' && request.part ? { amount: usd(600) } : {};
        return [request.do === 'capture' ? 'paymentCapture' : 'paymentCancel', { id, ...part }];
      }
    }
  }

  /** Sends a request once and notes what the client was told, if that is definite. */
  private async send(party: Party, sent: Sent, at: Place = 'first'): Promise<void> {
    const { operation, input } = sent;
    const type = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${operation}(input: $input) { ${ROWS[operation]} userErrors { code message } replayed } }`;
    type Payload = { userErrors: { code: string }[]; replayed: boolean } & Record<string, Record<string, unknown> | null>;
    const { beside } = this;
    const body = { query, variables: { input } };
    const answer =
      at === 'beside' && beside !== null
        ? await beside.post<Record<string, Payload>>(body, party.app.key)
        : await this.mortal.survived(() =>
            this.world.post<Record<string, Payload>>(body, { credential: party.app.key }).catch(nullIfCutOff),
          );
    const payload = answer?.data?.[operation];
    if (!payload) {
      if (answer !== null) throw new Error(`${operation} was answered ${JSON.stringify(answer.errors)}`);
      return;
    }
    const { userErrors: errors, replayed: _, ...rows } = payload;
    this.note(sent, { errors, row: Object.values(rows)[0] as Answer['row'] });
  }

  private note(sent: Sent, answer: Answer): void {
    const { operation, input, answers } = sent;
    answers.push(answer);
    const isNotYet = answer.errors.some(({ code }) => NOT_YET.includes(code));
    if (isNotYet) this.seen.notYet += 1;
    else if (sent.told === null) this.seen.told += 1;
    if (!isNotYet) sent.told = { operation, input, ...answer, answers };
  }

  /** No faults, nobody dies, everything arrives and is delivered, and all clocks are right. */
  private async calm(): Promise<void> {
    await this.mortal.revive();
    const { faults } = (await this.world.control('faults')) as { faults: { hits: number }[] };
    this.seen.faults += faults.reduce((sum, { hits }) => sum + hits, 0);
    await this.world.control('faults', { clear: true });
    await this.arrive();
    Object.assign(this.world.shifts, { wallMs: 0, databaseMs: 0 });
    await this.world.control('webhooks', { paused: false, reorder: false, duplicate: 0, lose: 0 });
  }

  /** Time passes and clients repeat what they have no answer to, until nothing is left to be done. */
  private async settle(isDeaf: boolean): Promise<void> {
    await this.calm();
    if (isDeaf) await this.world.control('webhooks', { paused: true });
    // What was sent late is carried out by now.
    await sleep(TIMEOUT_MS / 2);
    for (let round = 0; round < SETTLING_ROUNDS; round += 1) {
      await this.world.control('batch', {});
      await this.world.advance({ ms: round === 2 ? 4 * DAY_MS : 400_000 });
      if (round === DEAF_ROUNDS) await this.world.control('webhooks', { paused: false });
      const isHearing = !isDeaf || round >= DEAF_ROUNDS;
      if (isHearing) for (const { app } of this.parties) await this.world.gateway.webhooks.backfill.run(await this.world.scope(app));
      await this.world.settle();
      const open = this.parties.flatMap((party) => party.requests.filter(({ told }) => told === null).map((sent) => ({ party, sent })));
      await Promise.all(open.map(({ party, sent }) => this.send(party, sent)));
      if (round > 2 && open.length === 0 && (await this.jobs()).length === 0) return;
    }
  }

  private async jobs(): Promise<string[]> {
    const rows = await Promise.all(this.parties.map(({ app }) => this.world.rows('billing_jobs', app)));
    return rows.flat().map((job) => `${job['kind']} ${job['subject']} ${job['state']} ${job['last_error'] ?? ''}`);
  }

  private async findings(): Promise<string[]> {
    const { violations } = await findViolations(this.world.gateway.database);
    const off = [
      ...(await this.jobs()).map((job) => `work left: ${job}`),
      ...violations.map(({ invariant, id }) => `invariant broken: ${invariant} ${id}`),
    ];
    for (const party of this.parties) {
      const rows = (table: string) => this.world.rows(`billing_${table}`, party.app);
      const books = {
        customers: await rows('customers'),
        paymentMethods: await rows('payment_methods'),
        payments: await rows('payments'),
        refunds: await rows('refunds'),
        subscriptions: await rows('subscriptions'),
      };
      const tilled = await this.tilledOf(party);
      this.seen.charges += tilled['charges']?.length ?? 0;
      this.seen.refunds += tilled['refunds']?.length ?? 0;
      for (const { operation, told } of party.requests) if (told === null) off.push(`never answered: ${operation}`);
      const told = party.requests.flatMap((sent) => (sent.told === null ? [] : [sent.told]));
      for (const [kind, found] of Object.entries(compare({ books, tilled, told }))) off.push(...found.map((what) => `${kind}: ${what}`));
    }
    return off;
  }

  private async tilledOf({ app }: Party) {
    const names = ['customers', 'payment_methods', 'payment_intents', 'charges', 'refunds', 'subscriptions'] as const;
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await atTilled(this.world, app, name)] as const)));
  }

  /** Nothing of a run goes on in the next one. */
  private async endSubscriptions(): Promise<void> {
    for (const party of this.parties) {
      for (const { id, status } of await atTilled(this.world, party.app, 'subscriptions'))
        if (status !== 'canceled') await this.world.tilled(party.app, 'POST', `/v1/subscriptions/${id}/cancel`);
    }
    await this.world.settle();
  }

  private partyOf(index: number): Party {
    const party = this.parties[index];
    if (party === undefined) throw new Error(`There is no app ${index}.`);
    return party;
  }
}

/** A connection kept from before a restart. */
function nullIfCutOff(error: unknown): null {
  if (String(error) === 'TypeError: fetch failed') return null;
  throw error;
}
