import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as client from '../../client/src/index.js';
import { atTilled, cut, refuse, takenAtTilled } from '../support/at-tilled.js';
import { billing } from '../support/processes.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
/** An amount that the sandbox's issuer declines. */
const DECLINED = 777_703;

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

/** What was sent over a line, and how the line behaves. */
interface Line {
  readonly fetch: typeof fetch;
  readonly keys: (string | null)[];
}

/** A line on which the answers to the first requests are lost, or are those of something in between. */
function line(lost: number, instead?: () => Response): Line {
  const keys: (string | null)[] = [];
  return {
    keys,
    fetch: async (input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'));
      const answer = await fetch(input, init);
      if (keys.length > lost) return answer;
      await answer.arrayBuffer();
      if (instead === undefined) throw new TypeError('fetch failed');
      return instead();
    },
  };
}

function open(options: Partial<client.ClientOptions> = {}) {
  return client.createClient({ url: world.url, credential: app.key, ...options });
}

function pay(by: client.BillingClient, options: client.MutationOptions = {}, amountMinor = 4_200) {
  return by.paymentCreate({ customerId, amount: { amountMinor, currency: 'usd' } }, options);
}

/** What is made of each entry of a list, read to its end. */
async function allOf<Node, Made = Node>(
  list: AsyncIterable<Node>,
  make: (node: Node) => Made = (node) => node as unknown as Made,
): Promise<Made[]> {
  const made: Made[] = [];
  for await (const node of list) made.push(make(node));
  return made;
}

/** The error with which it fails. */
async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

/** Everything that a log shows of an error. */
function shown(error: unknown): string {
  const { stack, message } = error as Error;
  return [message, stack, JSON.stringify(error), JSON.stringify(Object.entries(error as object))].join('\n');
}

describe('a call', () => {
  it('gives what the mutation made, and what a query finds or null', async () => {
    const { payment, replayed } = await pay(open());
    expect(payment).toMatchObject({ __typename: 'Payment', status: 'SUCCEEDED', amount: { amountMinor: 4_200, decimal: '42.00' } });
    expect(replayed).toBe(false);
    expect(await open().payment({ id: payment.id })).toEqual(payment);
    expect(await open().payment({ id: 'pay_nobody' })).toBeNull();
    expect(await open().app()).toMatchObject({ id: app.id });
  });

  it('throws the class of the code, with what was answered beside it', async () => {
    const error = await errorOf(pay(open(), {}, DECLINED));
    expect(error).toBeInstanceOf(client.PaymentDeclined);
    expect(error).toBeInstanceOf(client.UserError);
    const { code, declineCode, retryable, objectId, payload } = error as client.PaymentDeclined;
    expect({ code, declineCode, retryable }).toEqual({
      code: 'PAYMENT_DECLINED',
      declineCode: 'generic_decline',
      retryable: false,
    });
    expect(payload['payment']).toMatchObject({ id: objectId, status: 'FAILED' });
  });

  it('tells every rule that an input breaks, with its place', async () => {
    const error = await errorOf(open().customerCreate({ email: 'no address', name: '' }));
    expect(error).toBeInstanceOf(client.Invalid);
    expect((error as client.Invalid).all.map(({ field }) => field)).toEqual(expect.arrayContaining([['email'], ['name']]));
  });

  it.each([
    ['a credential nobody gave out', () => open({ credential: 'bg_svc_nobody' }).app(), client.Unauthenticated, 401],
    [
      'what the credential does not reach',
      async () => open({ credential: await world.key(app, 'read_only') }).customerCreate({ email: 'a@b.example' }),
      client.Forbidden,
      403,
    ],
    ['a document that is none', () => open().request('{ nothing }'), client.GraphqlValidationFailed, 400],
    ['a page that cannot be', () => open().payments({ first: 101 }).page(), client.BadUserInput, 200],
  ])('throws for %s', async (_, work, expected, status) => {
    const error = await errorOf(work());
    expect(error).toBeInstanceOf(expected);
    expect(error).toMatchObject({ status, requestId: expect.any(String) });
  });

  it('shows in no error, and not in itself, what was sent or who sent it', async () => {
    const secret = 'bg_svc_secret-of-somebody';
    const email = 'ann.lee@nowhere';
    const errors = [
      await errorOf(open().customerCreate({ email, name: 'Ann Lee' })),
      await errorOf(open().request('query($id: ID!) { customer(id: $id) { id } }', { id: { email } })),
      await errorOf(open({ credential: secret }).app()),
      await errorOf(open({ credential: `${secret}\n` }).app()),
      await errorOf(open({ credential: secret, url: 'http://127.0.0.1:9' }).app({}, { deadlineMs: 1 })),
    ];
    for (const error of errors) expect(error).toBeInstanceOf(Error);
    expect(errors.map(shown).filter((text) => /secret-of|ann\.lee|Ann Lee/.test(text))).toEqual([]);
    expect(JSON.stringify(open({ credential: secret }))).not.toContain('secret');
    expect((errors[0] as client.Invalid).detail).toContain('email');
  });

  it('asks for another credential when the one it has was refused, and sends the same request again', async () => {
    const refused: (string | undefined)[] = [];
    const credential = (old?: string) => {
      refused.push(old);
      return old === undefined ? 'bg_ses_ended' : app.key;
    };
    expect(await open({ credential }).app()).toMatchObject({ id: app.id });
    expect(refused).toEqual([undefined, 'bg_ses_ended']);
  });
});

describe('a request without an answer', () => {
  it('is repeated with one key, and taken once', async () => {
    const wire = line(2);
    const { payment, replayed } = await pay(open({ fetch: wire.fetch }));
    expect({ status: payment.status, replayed }).toEqual({ status: 'SUCCEEDED', replayed: true });
    expect(wire.keys).toEqual([wire.keys[0], wire.keys[0], wire.keys[0]]);
    expect(wire.keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is repeated after what a proxy answered in its place, no sooner than that says', async () => {
    const wire = line(1, () => new Response('<h1>Busy</h1>', { status: 503, headers: { 'retry-after': '1' } }));
    const begunAt = Date.now();
    await pay(open({ fetch: wire.fetch }));
    expect(wire.keys).toHaveLength(2);
    expect(Date.now() - begunAt).toBeGreaterThanOrEqual(1_000);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('ends at the deadline with the key under which it can be asked again', async () => {
    const wire = line(Number.POSITIVE_INFINITY);
    const error = await errorOf(pay(open({ fetch: wire.fetch }), { deadlineMs: 2_000 }));
    expect(error).toBeInstanceOf(client.NoAnswer);
    expect(new Set(wire.keys)).toEqual(new Set([(error as client.NoAnswer).idempotencyKey]));
    const again = await pay(open(), { idempotencyKey: (error as client.NoAnswer).idempotencyKey ?? '' });
    expect(again).toMatchObject({ replayed: true, payment: { status: 'SUCCEEDED' } });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('ends when it is aborted, also between two tries, with its key', async () => {
    const ending = new AbortController();
    const wire = line(Number.POSITIVE_INFINITY, () => {
      ending.abort(new Error('The page was left.'));
      return new Response('', { status: 503, headers: { 'retry-after': '100' } });
    });
    const error = await errorOf(pay(open({ fetch: wire.fetch }), { signal: ending.signal }));
    expect(error).toMatchObject({ code: 'NO_ANSWER', idempotencyKey: wire.keys[0] });
    expect(wire.keys).toHaveLength(1);
  });

  it('is not repeated where an answer says that it never helps', async () => {
    const wire = line(Number.POSITIVE_INFINITY, () => new Response('<h1>Forbidden</h1>', { status: 403 }));
    expect(await errorOf(open({ fetch: wire.fetch }).app())).toMatchObject({ code: 'NO_ANSWER', status: 403 });
    expect(wire.keys).toHaveLength(1);
  });
});

describe('an intent', () => {
  it('is carried out once, by whoever asks for it: at once, again, or in a process that began anew', async () => {
    const keyStorage = client.memoryKeys();
    const both = await Promise.all([pay(open({ keyStorage }), { intent: 'order-1' }), pay(open({ keyStorage }), { intent: 'order-1' })]);
    const later = await pay(open({ keyStorage }), { intent: 'order-1' });
    expect(new Set([...both, later].map(({ payment }) => payment.id)).size).toBe(1);
    expect(later.replayed).toBe(true);
    expect((await pay(open({ keyStorage }), { intent: 'order-2' })).payment.id).not.toBe(later.payment.id);
    expect(await takenAtTilled(world, app)).toEqual([4_200, 4_200]);
  });

  it('has its key kept before anything is sent, and asks with it when the answer was lost with the process', async () => {
    const kept: string[][] = [];
    const memory = client.memoryKeys();
    const keep = (name: string, value: string) => {
      kept.push([name, value]);
      return memory.keep(name, value);
    };
    const keyStorage = { ...memory, keep };
    const wire = line(Number.POSITIVE_INFINITY);
    await errorOf(pay(open({ keyStorage, fetch: wire.fetch }), { intent: 'order-1', deadlineMs: 1_000 }));
    expect(kept).toEqual([['paymentCreate:order-1', expect.stringMatching(`^${wire.keys[0]} `)]]);
    expect(await pay(open({ keyStorage }), { intent: 'order-1' })).toMatchObject({ replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is a new try after a decline, and no other after an outcome that is not known', async () => {
    const keyStorage = client.memoryKeys();
    const input = { customerId, amount: { amountMinor: 4_200, currency: 'usd' } };
    const declined = await errorOf(pay(open({ keyStorage }), { intent: 'order-1' }, DECLINED));
    expect(declined).toBeInstanceOf(client.PaymentDeclined);
    await cut(world, CONFIRM, 'after');
    const unknown = await errorOf(open({ keyStorage }).paymentCreate(input, { intent: 'order-1', deadlineMs: 1_000 }));
    expect(unknown).toBeInstanceOf(client.OutcomeUnknown);
    expect((unknown as client.OutcomeUnknown).idempotencyKey).not.toBe((declined as client.PaymentDeclined).idempotencyKey);
    const { payment } = await open({ keyStorage }).paymentCreate(input, { intent: 'order-1' });
    expect(payment).toMatchObject({ id: (unknown as client.OutcomeUnknown).objectId, status: 'SUCCEEDED' });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('keeps its key where something else than the answer to the request says that it is over', async () => {
    const keyStorage = client.memoryKeys();
    const gone = () => Response.json({ errors: [{ message: 'No such address.', extensions: { code: 'NOT_FOUND' } }] }, { status: 404 });
    const wire = line(1, gone);
    expect(await errorOf(pay(open({ keyStorage, fetch: wire.fetch }), { intent: 'order-1' }))).toBeInstanceOf(client.AddressNotFound);
    expect(await pay(open({ keyStorage }), { intent: 'order-1' })).toMatchObject({ replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is refused once the gateway may have forgotten its key, and with another input', async () => {
    const old = `${'0'.repeat(32)} ${new Date(Date.now() - 30 * 86_400_000).toISOString()}`;
    const keyStorage = { keep: () => old, forget: () => undefined };
    expect(await errorOf(pay(open({ keyStorage }), { intent: 'order-1' }))).toBeInstanceOf(client.IntentTooOld);
    const fresh = client.memoryKeys();
    await pay(open({ keyStorage: fresh }), { intent: 'order-1' });
    expect(await errorOf(pay(open({ keyStorage: fresh }), { intent: 'order-1' }, 100))).toBeInstanceOf(client.IdempotencyKeyReused);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });
});

describe('what may pass', () => {
  it('is asked again with the same key when the processor could not be reached', async () => {
    await refuse(world, 'POST /v1/payment-intents', 429, { times: 1 });
    const { payment } = await pay(open());
    expect(payment.status).toBe('SUCCEEDED');
    expect(await atTilled(world, app, 'payment_intents')).toHaveLength(1);
  });

  it('is told at once where the gateway asks for more patience than there is', async () => {
    const strict = await World.create({ limits: { requestsPerWindow: 1 } });
    const its = await strict.app();
    const asker = client.createClient({ url: strict.url, credential: its.key });
    await asker.app();
    const error = await errorOf(asker.app());
    expect(error).toBeInstanceOf(client.RateLimited);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 900_000 });
    await strict.close();
    expect(UNLIMITED.requestsPerWindow).toBeGreaterThan(1);
  });
});

describe('settled', () => {
  it('waits for the end of what is not known, and gives it as it is then', async () => {
    await cut(world, CONFIRM, 'before');
    const unknown = (await errorOf(pay(open(), { deadlineMs: 1_000 }))) as client.OutcomeUnknown;
    const object = { __typename: 'Payment', id: unknown.objectId ?? '' } as const;
    expect(await errorOf(open().settled(object, { deadlineMs: 1_000 }))).toMatchObject({ code: 'STILL_OPEN', objectId: object.id });
    const waiting = open().settled(object);
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await waiting).toMatchObject({ id: object.id, status: 'SUCCEEDED', amount: { amountMinor: 4_200 } });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('waits for a subscription to begin, and for a refund', async () => {
    const { subscription } = await open().subscriptionCreate({ customerId, price: { amountMinor: 900, currency: 'usd' } });
    await world.settle();
    expect(await open().settled(subscription)).toMatchObject({ __typename: 'Subscription', status: 'ACTIVE' });
    const { payment } = await pay(open());
    const { refund } = await open().refundCreate({ paymentId: payment.id });
    expect(await open().settled(refund)).toMatchObject({ __typename: 'Refund', status: 'SUCCEEDED' });
  });
});

describe('a list', () => {
  it('is read page after page to its end, each entry once, or one page at a time', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.unshift((await pay(open())).payment.id);
    const read = await allOf(open().payments({ first: 2, customerId }), ({ id }) => id);
    expect(read).toEqual(ids);
    const page = await open().payments({ first: 2, customerId }).page();
    expect(page).toMatchObject({ nodes: [{ id: ids[0] }, { id: ids[1] }], hasNextPage: true });
    const next = await open().payments({ first: 2, customerId, after: page.endCursor }).page();
    expect(next.nodes.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    expect(await allOf(open().customerPayments({ id: customerId, first: 3 }), ({ id }) => id)).toEqual(ids);
  });

  it('without cursors goes on after its last entry, and below what is not there it is empty', async () => {
    for (let count = 0; count < 3; count += 1) await world.card(app, customerId);
    const cards = await allOf(open().customerPaymentMethods({ id: customerId, first: 2 }), ({ id }) => id);
    expect(new Set(cards).size).toBe(4);
    expect(await allOf(open().customerPaymentMethods({ id: 'cus_nobody' }))).toEqual([]);
  });

  it('asks for no more than is read', async () => {
    for (let count = 0; count < 3; count += 1) await pay(open());
    const wire = line(0);
    for await (const payment of open({ fetch: wire.fetch }).payments({ first: 1 })) {
      expect(payment.status).toBe('SUCCEEDED');
      break;
    }
    expect(wire.keys).toHaveLength(1);
  });
});

describe('a session of a customer', () => {
  it('reaches with the documents of the package, once they are registered, what a customer may', async () => {
    const strict = await World.create({ sessionDocuments: 'registered' });
    const its = await strict.app();
    const file = 'client/persisted-documents.json';
    expect(await billing(['operations', 'register', '--app', its.id, '--file', file], strict.environment)).toMatchObject({ status: 0 });
    const { customer, card } = await strict.payer(its);
    const backend = client.createClient({ url: strict.url, credential: its.key });
    const { token } = await backend.customerSessionCreate({ customerId: customer.id });
    const page = client.createClient({ url: strict.url, credential: token });
    expect(await page.customer({ id: customer.id })).toMatchObject({ email: 'ann@example.com', defaultPaymentMethod: { id: card.id } });
    const { paymentMethod } = await page.paymentMethodAttach({ customerId: customer.id, tilledPaymentMethodId: await strict.newCard(its) });
    await page.paymentMethodSetDefault({ id: paymentMethod.id });
    await page.paymentMethodDetach({ id: card.id });
    expect(await allOf(page.customerPaymentMethods({ id: customer.id }), ({ id }) => id)).toEqual([paymentMethod.id]);
    expect(await allOf(page.customerPayments({ id: customer.id }))).toEqual([]);
    expect(await errorOf(page.payments().page())).toBeInstanceOf(client.Forbidden);
    await strict.close();
  });
});
