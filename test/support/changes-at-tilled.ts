import type {
  TilledCharge,
  TilledDispute,
  TilledList,
  TilledPaymentIntent,
  TilledRefund,
  TilledSubscription,
} from '../../src/tilled/tilled.shapes.js';

/** Numbers from 0 up to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const CHANGES_AT_ONCE = 12;

/** An account at the sandbox, as somebody uses it who does not go through the gateway. */
export class TilledByHand {
  /** How many changes it carried out. */
  changes = 0;
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly url: string,
    private readonly account: { readonly accountId: string; readonly secretKey: string },
  ) {}

  /** One call. A read that meets a fault of the sandbox is made again. */
  async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const headers = {
      'content-type': 'application/json',
      'tilled-api-key': this.account.secretKey,
      'tilled-account': this.account.accountId,
    };
    const response = await fetch(this.url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    const text = await response.text();
    if (response.status >= 500 && method === 'GET') return this.ask(method, path);
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  }

  /** Carries out a change, by the API or by the control surface. First come, first served, so that everybody's changes mix. */
  async change<Answer>(method: string, path: string, body: object = {}): Promise<Answer> {
    if (this.underWay >= CHANGES_AT_ONCE) await new Promise<void>((resolve) => void this.waiting.push(resolve));
    else this.underWay += 1;
    const answer = await this.ask<Answer>(method, path, body);
    const next = this.waiting.shift();
    if (next === undefined) this.underWay -= 1;
    else next();
    this.changes += 1;
    return answer;
  }

  /** Everything of one list, newest first. */
  async all<Item>(path: string): Promise<Item[]> {
    const found: Item[] = [];
    for (let offset = 0; ; offset += 100) {
      const page = await this.ask<TilledList<Item>>('GET', `${path}?limit=100&offset=${offset}`);
      found.push(...page.items);
      if (!page.has_more) return found;
    }
  }
}

type Chance = () => number;
const FAR_FUTURE_MS = Date.UTC(2040, 0, 1);

/** A held card payment: captured in whole or part, refunded bit by bit and disputed; or let go. */
export async function liveAsHeldPayment(tilled: TilledByHand, id: string, chance: Chance): Promise<void> {
  const intent = await tilled.ask<TilledPaymentIntent>('GET', `/v1/payment-intents/${id}`);
  if (chance() < 0.1) {
    await tilled.change('POST', `/v1/payment-intents/${id}/cancel`);
    return;
  }
  const part = chance() < 0.5 ? intent.amount : Math.trunc(intent.amount * 0.6);
  await tilled.change('POST', `/v1/payment-intents/${id}/capture`, { amount_to_capture: part });
  await tilled.ask('POST', '/_sandbox/batch', {});
  const dispute = await tilled.change<TilledDispute>('POST', '/_sandbox/disputes', { paymentIntentId: id });
  for (let turn = 0; turn < 8; turn += 1) {
    await tilled.change('POST', '/v1/refunds', { payment_intent_id: id, amount: 10 + Math.trunc(chance() * 90) });
    if (turn === 3) await tilled.change('POST', '/_sandbox/disputes', { disputeId: dispute.id, status: 'under_review' });
  }
  await tilled.change('POST', '/_sandbox/disputes', { disputeId: dispute.id, status: chance() < 0.5 ? 'won' : 'lost' });
}

/** A bank debit that goes through, comes back and is tried again, a few times over; some of it is refunded in the end. */
export async function liveAsDebit(tilled: TilledByHand, id: string, chance: Chance): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    if (chance() < 0.7) await tilled.change('POST', '/_sandbox/settle', { paymentIntentId: id });
    await tilled.change('POST', '/_sandbox/return', { paymentIntentId: id, code: chance() < 0.5 ? 'R01' : 'R02' });
    await tilled.change('POST', `/v1/payment-intents/${id}/confirm`);
  }
  if (chance() < 0.2) return;
  await tilled.change('POST', '/_sandbox/settle', { paymentIntentId: id });
  for (let turn = 0; turn < 2; turn += 1) {
    const refund = await tilled.change<TilledRefund>('POST', '/v1/refunds', { payment_intent_id: id, amount: 100 + turn });
    const failure = chance() < 0.4 ? { failureCode: 'declined' } : {};
    await tilled.change('POST', '/_sandbox/settle', { refundId: refund.id, ...failure });
  }
}

/** A subscription whose price, method and end are changed, and which is paused and resumed; one in five is canceled. */
export async function liveAsSubscription(tilled: TilledByHand, id: string, methodIds: readonly string[], chance: Chance): Promise<void> {
  const path = `/v1/subscriptions/${id}`;
  let subscription = await tilled.ask<TilledSubscription>('GET', path);
  for (let turn = 0; turn < 12; turn += 1) {
    subscription = await changeOfSubscription(tilled, subscription, methodIds, chance);
  }
  if (chance() < 0.2) await tilled.change('POST', `${path}/cancel`);
}

function changeOfSubscription(
  tilled: TilledByHand,
  { id, status, cancel_at: cancelAt }: TilledSubscription,
  methodIds: readonly string[],
  chance: Chance,
): Promise<TilledSubscription> {
  const path = `/v1/subscriptions/${id}`;
  const drawn = chance();
  if (drawn < 0.35) return tilled.change('PATCH', path, { price: 100 + Math.trunc(chance() * 9_900) });
  if (drawn < 0.5) return tilled.change('PATCH', path, { payment_method_id: methodIds[Math.trunc(chance() * methodIds.length)] ?? '' });
  if (drawn < 0.65) {
    const end = cancelAt === null ? new Date(FAR_FUTURE_MS + Math.trunc(chance() * 1e9)).toISOString() : null;
    return tilled.change('PATCH', path, { cancel_at: end });
  }
  return tilled.change('POST', status === 'paused' ? `${path}/resume` : `${path}/pause`);
}

/** A card whose name changes until it is taken from its customer; every other one stays. */
export async function liveAsCard(tilled: TilledByHand, id: string, chance: Chance): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await tilled.change('PATCH', `/v1/payment-methods/${id}`, { nick_name: `card ${turn}` });
  if (chance() < 0.5) await tilled.change('PUT', `/v1/payment-methods/${id}/detach`);
}

/** Every charge of an intent that has refunds, with them. */
export function refundsOf(intent: TilledPaymentIntent): TilledRefund[] {
  return intent.charges.flatMap((charge: TilledCharge) => charge.refunds);
}
