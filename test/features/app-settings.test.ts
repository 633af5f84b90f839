import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const UNSET = { version: 1, brandName: null, brandColor: null, timeZone: 'UTC', locale: 'en', portal: { mayCancel: [] } };

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

async function settingsOf(by: TestApp, credential = by.key) {
  return (await world.ask(by, ops.AppSettingsDocument, {}, { credential })).app.settings;
}

async function update(input: ops.AppSettingsUpdateInput) {
  return (await world.ask(app, ops.AppSettingsUpdateDocument, { input })).appSettingsUpdate;
}

async function sessionOf(customerId: string): Promise<string> {
  return (await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } })).customerSessionCreate.token ?? '';
}

describe('the settings of an app', () => {
  it('are those of one that set nothing, until it does, and reading them writes nothing', async () => {
    expect([await settingsOf(app), await world.rows('billing_app_settings', app)]).toEqual([UNSET, []]);
  });

  it('are changed one by one: what is absent stays, null removes a brand and nothing else', async () => {
    const brand = { brandName: 'Ann’s Shop', brandColor: '#0B5FFF' };
    expect(await update(brand)).toEqual({ settings: { ...UNSET, ...brand, version: 2, brandColor: '#0b5fff' }, userErrors: [] });
    await update({ timeZone: 'Europe/Berlin', locale: 'DE-de', portal: { mayCancel: ['AT_PERIOD_END', 'AT_PERIOD_END'] } });
    const after = { timeZone: 'Europe/Berlin', locale: 'de-DE', portal: { mayCancel: ['AT_PERIOD_END'] } };
    expect(await settingsOf(app)).toEqual({ version: 3, ...brand, brandColor: '#0b5fff', ...after });
    await update({ brandName: null, brandColor: null, timeZone: null, locale: null, portal: null });
    expect(await settingsOf(app)).toEqual({ ...UNSET, ...after, version: 4 });
    await update({ portal: { mayCancel: null } });
    await update({});
    expect(await settingsOf(app)).toEqual({ ...UNSET, ...after, version: 4 });
    await update({ portal: { mayCancel: [] } });
    expect((await settingsOf(app)).portal).toEqual({ mayCancel: [] });
  });

  it.each<[string, ops.AppSettingsUpdateInput, string]>([
    ['a blank name', { brandName: ' ' }, 'brandName'],
    ['a name of two lines', { brandName: 'Ann\nLee' }, 'brandName'],
    ['a name that is too long', { brandName: 'x'.repeat(256) }, 'brandName'],
    ['a colour by its name', { brandColor: 'red' }, 'brandColor'],
    ['a colour of three digits', { brandColor: '#fff' }, 'brandColor'],
    ['what would end a style sheet', { brandColor: '#ffffff;}' }, 'brandColor'],
    ['a zone that is not there', { timeZone: 'Europe/Nowhere' }, 'timeZone'],
    ['an offset', { timeZone: '+02:00' }, 'timeZone'],
    ['a zone that is a path', { timeZone: '../etc/passwd' }, 'timeZone'],
    ['a zone without end', { timeZone: 'x'.repeat(5_000) }, 'timeZone'],
    ['a locale as POSIX writes it', { locale: 'de_DE.UTF-8' }, 'locale'],
    ['a locale that is a sentence', { locale: 'in German' }, 'locale'],
    ['a locale without end', { locale: `en-${'x-'.repeat(40)}y` }, 'locale'],
  ])('are not changed by %s, and the answer names the field', async (_, input, field) => {
    expect(await update(input)).toMatchObject({ settings: null, userErrors: [{ code: 'INVALID', field: [field] }] });
    expect(await settingsOf(app)).toEqual(UNSET);
  });

  it('name everything that is wrong at once', async () => {
    const { userErrors } = await update({ timeZone: 'Mars', locale: '?' });
    expect(userErrors.map(({ field }) => field)).toEqual([['timeZone'], ['locale']]);
  });

  it('take any name that Intl knows: old ones, and those without a slash', async () => {
    for (const timeZone of ['UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'US/Pacific', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
      expect((await update({ timeZone })).settings?.timeZone).toBe(timeZone);
  });

  it('are not changed by who read older ones, nor by the second of two who read the same', async () => {
    expect(await update({ expectedVersion: 2, brandName: 'A' })).toMatchObject({
      settings: null,
      userErrors: [{ code: 'STALE_VERSION', field: ['expectedVersion'] }],
    });
    const both = await Promise.all(['A', 'B'].map((brandName) => update({ expectedVersion: 1, brandName })));
    expect(both.flatMap(({ userErrors }) => userErrors.map(({ code }) => code))).toEqual(['STALE_VERSION']);
    expect((await settingsOf(app)).version).toBe(2);
  });

  it('made by many at once are one row, with what each of them said', async () => {
    const changes = [{ brandName: 'A' }, { brandColor: '#000000' }, { timeZone: 'Asia/Tokyo' }, { locale: 'ja' }];
    for (const { userErrors } of await Promise.all(changes.map(update))) expect(userErrors).toEqual([]);
    expect(await settingsOf(app)).toEqual({ ...UNSET, ...Object.assign({}, ...changes), version: 5 });
    expect(await world.rows('billing_app_settings', app)).toHaveLength(1);
  });

  it('are in the history of the app: who changed what, from what, to what', async () => {
    await update({ locale: 'de', portal: { mayCancel: ['IMMEDIATELY'] } });
    const { nodes } = (await world.ask(app, ops.HistoryDocument, { objectId: app.id, first: 10 })).history;
    const [key] = await world.rows('billing_api_keys', app);
    expect(nodes).toEqual([expect.objectContaining({ type: 'app_settings.changed', actor: 'service', actorId: key?.['id'] })]);
    const told = nodes.flatMap(({ changes }) => changes.map(({ field, before, after }) => [field, before, after]));
    expect(told).toEqual([
      ['locale', 'en', 'de'],
      ['portal', '{"mayCancel":[]}', '{"mayCancel":["IMMEDIATELY"]}'],
    ]);
  });

  it('are read by keys that may, changed by services alone, and of no other app', async () => {
    const other = await world.app();
    await update({ brandName: 'Mine' });
    expect(await settingsOf(other)).toEqual(UNSET);
    for (const role of ['read_only', 'operator'] as const) {
      const credential = await world.key(app, role);
      expect((await settingsOf(app, credential)).brandName).toBe('Mine');
      const { status, errors } = await world.send(app, ops.AppSettingsUpdateDocument, { input: {} }, { credential });
      expect([status, errors[0]?.extensions.code]).toEqual([403, 'FORBIDDEN']);
    }
    const confined = async (scope: string) => {
      const credential = await world.key(app, 'service', { scopes: [scope] });
      const read = await world.send(app, ops.AppSettingsDocument, {}, { credential });
      const write = await world.send(app, ops.AppSettingsUpdateDocument, { input: {} }, { credential });
      return [read.status, write.status];
    };
    expect(await confined('settings:read')).toEqual([200, 403]);
    expect(await confined('settings:write')).toEqual([403, 200]);
    expect(await confined('customers:read')).toEqual([403, 403]);
  });
});

describe('a customer session', () => {
  let session: string;
  let customerId: string;
  let subscriptionId: string;

  beforeEach(async () => {
    customerId = (await world.payer(app)).customer.id;
    subscriptionId = (await world.subscription(app, customerId)).id;
    await world.settle();
    session = await sessionOf(customerId);
  });

  const send = (input: Partial<ops.SubscriptionCancelInput> = {}, credential = session) =>
    world.send(app, ops.SubscriptionCancelDocument, { input: { id: subscriptionId, mode: 'AT_PERIOD_END', ...input } }, { credential });
  const reactivate = () => world.send(app, ops.SubscriptionReactivateDocument, { input: { id: subscriptionId } }, { credential: session });
  const rowOf = async () => (await world.rows('billing_subscriptions', app)).find(({ id }) => id === subscriptionId);
  const allow = (...mayCancel: ops.CancelMode[]) => update({ portal: { mayCancel } });

  async function expectForbidden(
    answer: Promise<{ status: number; data: unknown; errors: readonly { extensions: { code?: unknown } }[] }>,
  ) {
    const before = [await rowOf(), await atTilled(world, app, 'subscriptions')];
    const { status, data, errors } = await answer;
    expect([status, data, errors.map(({ extensions }) => extensions.code)]).toEqual([403, null, ['FORBIDDEN']]);
    expect([await rowOf(), await atTilled(world, app, 'subscriptions')]).toEqual(before);
  }

  it('reads the settings, so that its page knows how to look and what to offer', async () => {
    await update({ brandName: 'Shop', portal: { mayCancel: ['AT_PERIOD_END'] } });
    expect(await settingsOf(app, session)).toMatchObject({ brandName: 'Shop', portal: { mayCancel: ['AT_PERIOD_END'] } });
    const { status } = await world.send(app, ops.AppSettingsUpdateDocument, { input: {} }, { credential: session });
    expect(status).toBe(403);
  });

  it('cancels nothing and takes nothing back where the app has not said that it may', async () => {
    await expectForbidden(send());
    await expectForbidden(send({ mode: 'IMMEDIATELY' }));
    await send({}, app.key);
    await expectForbidden(reactivate());
  });

  it('ends its own subscription as the app lets it, and in no other way, and takes that back', async () => {
    await allow('AT_PERIOD_END');
    await expectForbidden(send({ mode: 'IMMEDIATELY' }));
    const ended = (await send()).data?.subscriptionCancel;
    expect(ended).toMatchObject({ subscription: { cancelAtPeriodEnd: true }, userErrors: [] });
    expect((await reactivate()).data?.subscriptionReactivate).toMatchObject({ subscription: { cancelAtPeriodEnd: false }, userErrors: [] });
    const { nodes } = (await world.ask(app, ops.HistoryDocument, { objectId: subscriptionId, first: 50 })).history;
    const asked = nodes.filter(({ type }) => /^request\.subscription(Cancel|Reactivate)$/.test(type));
    expect(asked.map(({ actor, actorId }) => [actor, actorId])).toEqual(Array(2).fill(['customer', customerId]));
  });

  it('ends it at once where the app lets it do that alone, and cannot plan an end then', async () => {
    await allow('IMMEDIATELY');
    await expectForbidden(send());
    await expectForbidden(reactivate());
    const { data } = await send({ mode: 'IMMEDIATELY' });
    expect(data?.subscriptionCancel).toMatchObject({ subscription: { status: 'CANCELED' }, userErrors: [] });
  });

  it("does not reach another customer's subscription, whatever the app lets it do", async () => {
    await allow('AT_PERIOD_END', 'IMMEDIATELY');
    const stranger = await sessionOf((await world.payer(app)).customer.id);
    for (const mode of ['AT_PERIOD_END', 'IMMEDIATELY'] as const) {
      const { data } = await send({ mode }, stranger);
      expect(data?.subscriptionCancel).toMatchObject({ subscription: null, userErrors: [{ code: 'NOT_FOUND', field: ['id'] }] });
    }
    expect(await rowOf()).toMatchObject({ status: 'ACTIVE', cancel_at: null });
  });

  it('may no more from the moment that the app takes it back, but is told what became of what it had begun', async () => {
    await allow('IMMEDIATELY');
    await cut(world, 'POST /v1/subscriptions/:id/cancel', 'after');
    const asked = { mode: 'IMMEDIATELY', idempotencyKey: 'one click' } as const;
    expect((await send(asked)).data?.subscriptionCancel.userErrors).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }]);
    await allow();
    await world.advance({ ms: 60_000 });
    expect((await send(asked)).data?.subscriptionCancel).toMatchObject({ replayed: true, subscription: { status: 'CANCELED' } });
    await expectForbidden(send({ ...asked, idempotencyKey: 'another click' }));
  });

  it('of another app may what that one says', async () => {
    const first = app;
    app = await world.app();
    await allow('AT_PERIOD_END', 'IMMEDIATELY');
    app = first;
    await expectForbidden(send());
  });
});

describe('a key', () => {
  it('cancels whatever the settings say, and is asked no statement more for them', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    const input = { id, mode: 'IMMEDIATELY' } as const;
    const statements = await world.statements(async () => {
      expect((await world.ask(app, ops.SubscriptionCancelDocument, { input })).subscriptionCancel.userErrors).toEqual([]);
    });
    expect(statements.filter((sql) => sql.includes('billing_app_settings'))).toEqual([]);
  });
});
