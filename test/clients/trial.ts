import { beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import type { TestApp, World } from '../support/world.js';
import type { Client, Connection } from './client.js';
import { compareTable, type TrialResult, versionOf } from './matrix.js';

const MODES: Readonly<Record<Connection['mode'], string>> = {
  own: 'documents of its own',
  registered: 'registered documents',
  automatic: 'automatic persisted queries',
};

/** A client and a way to use it. */
export interface Trial {
  /** Its package. */
  readonly name: string;
  readonly mode: Connection['mode'];
  readonly who: 'key' | 'session';
  readonly hasCache?: false;
  readonly open: (connection: Connection) => Client | Promise<Client>;
}

/** Where the trials happen: what beforeAll made. */
export interface Stage {
  readonly world: World;
  readonly app: TestApp;
  /** Where sessions may send documents of their own. */
  readonly lenientUrl?: string;
}

/** Tests of each client, and that docs/frontend.md says under `heading` what came out. */
export function describeTrials(heading: string, stage: () => Stage, trials: readonly Trial[]): void {
  const results: TrialResult[] = [];
  for (const trial of trials) {
    const steps: Record<string, string> = {};
    const how = `${MODES[trial.mode]}, ${trial.who}`;
    results.push({ name: trial.name, version: versionOf(trial.name), how, steps });
    describe(`${trial.name}: ${how}`, () => describeTrial(stage, trial, steps));
  }
  it(`is what docs/frontend.md says of clients in ${heading}`, () => compareTable(heading, results));
}

function describeTrial(stage: () => Stage, trial: Trial, steps: Record<string, string>): void {
  let client: Client;
  let connection: Connection;
  let customerId: string;
  let cards: readonly string[];
  let paid: readonly string[];

  /** A test whose outcome stands in the table. */
  const step = (name: string, sentence: string, work: () => Promise<void>) => {
    steps[name] = '✗';
    it(sentence, async () => {
      await work();
      steps[name] = '✓';
    });
  };

  beforeAll(async () => {
    const { world, app, lenientUrl } = stage();
    const { customer, card } = await world.payer(app);
    customerId = customer.id;
    cards = [`*${card.id}`, (await world.card(app, customerId)).id];
    paid = [];
    for (let count = 0; count < 3; count += 1) paid = [(await world.payment(app, customerId)).id, ...paid];
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } });
    const isLenient = trial.who === 'session' && trial.mode === 'own';
    const url = `${isLenient ? lenientUrl : world.url}/graphql`;
    connection = { url, credential: trial.who === 'key' ? app.key : (customerSessionCreate.token ?? ''), mode: trial.mode };
    client = await trial.open(connection);
  });

  step('query', 'reads a customer', async () => {
    expect(await client.customer(customerId)).toEqual({ name: null, cards: expect.arrayContaining([...cards]) });
  });

  step('pages', 'reads a list page by page, each payment once', async () => {
    expect(await client.payments(customerId)).toEqual(paid);
  });

  step('mutation', 'attaches a card once, however often it asks with one key', async () => {
    const { world, app } = stage();
    const input = { customerId, tilledPaymentMethodId: await world.newCard(app), idempotencyKey: `attach ${customerId}` };
    const first = await client.attach(input);
    expect(first).toEqual({ paymentMethodId: expect.stringMatching(/^pm_/), replayed: false, codes: [] });
    expect(await client.attach(input)).toEqual({ ...first, replayed: true });
  });

  step('userErrors', 'is told in the payload what went wrong', async () => {
    const input = { customerId, tilledPaymentMethodId: 'pm_other', idempotencyKey: `attach ${customerId}` };
    expect(await client.attach(input)).toEqual({ paymentMethodId: null, replayed: false, codes: ['IDEMPOTENCY_KEY_REUSED'] });
  });

  step('error', 'hears the code of an error', async () => {
    expect(await client.codeOfError(null)).toBe('BAD_USER_INPUT');
  });

  step('new session', 'hears that its credential has ended, and goes on with another one', async () => {
    const ended = await trial.open({ ...connection, credential: 'bg_ses_ended' });
    expect(await ended.codeOfError(customerId)).toBe('UNAUTHENTICATED');
    await ended.renew(connection.credential);
    expect((await ended.customer(customerId)).cards).toContain(cards[1]);
  });

  step('refetch', 'asks again when it is told to, and else shows what it knows', async () => {
    const { world, app } = stage();
    const before = await client.customer(customerId);
    await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, name: 'Ann Lee' } });
    if (trial.hasCache !== false) expect(await client.customer(customerId)).toEqual(before);
    expect((await client.refetch(customerId)).name).toBe('Ann Lee');
  });

  if (trial.hasCache === false) steps['cache'] = '–';
  else
    step('cache', 'sees in what it read before what a mutation changed, by the id', async () => {
      const [, second = ''] = cards;
      expect((await client.cached(customerId))?.cards).toContain(second);
      expect(await client.choose(second)).toMatchObject({ paymentMethodId: second, codes: [] });
      expect((await client.cached(customerId))?.cards).toContain(`*${second}`);
    });
}
