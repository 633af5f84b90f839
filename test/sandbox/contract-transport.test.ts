import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { both, bothInBrowser, here, isReal, Kit, refusal, sdkFor } from './kit.js';

let kit: Kit;
beforeAll(async () => {
  // Said once, so that nobody takes a green run for a run against Tilled.
  if (!isReal)
    process.stderr.write('Contract tests run on our own sandbox; set TILLED_SANDBOX_KEY and TILLED_SANDBOX_ACCOUNT for Tilled’s.\n');
  kit = await Kit.open();
});
afterAll(() => kit.close());

const customers = (metadata?: Record<string, string>) =>
  kit.sdk.customers.createCustomer({ tilled_account: kit.account, CustomerCreateParams: { first_name: 'Ada', metadata } });

describe('transport', () => {
  both('refuses a request without a key with 401', async () => {
    expect((await kit.raw('GET', '/v1/customers', { headers: { 'tilled-api-key': '' } })).status).toBe(401);
  });

  both('refuses an unknown key with 401', async () => {
    const stranger = sdkFor(kit.url, 'sk_unknown');
    expect((await refusal(stranger.customers.listCustomers({ tilled_account: kit.account }))).status).toBe(401);
  });

  both('takes the secret key as a Bearer token', async () => {
    const headers = { 'tilled-api-key': '', authorization: `Bearer ${kit.secretKey}` };
    expect((await kit.raw('GET', '/v1/customers', { headers })).status).toBe(200);
  });

  bothInBrowser('refuses a publishable key on createCustomer with 403', async () => {
    const browser = sdkFor(kit.url, kit.publishableKey);
    const call = browser.customers.createCustomer({ tilled_account: kit.account, CustomerCreateParams: {} });
    expect((await refusal(call)).status).toBe(403);
  });

  bothInBrowser('lets a publishable key create a payment method', async () => {
    const card = { number: '4111111111111111', exp_month: 12, exp_year: 2031, cvc: '123' };
    const billing = { name: 'Ada', address: { zip: '80301', country: 'US' } };
    const call = sdkFor(kit.url, kit.publishableKey).methods.createPaymentMethod({
      tilled_account: kit.account,
      PaymentMethodCreateParams: { type: 'card', card, billing_details: billing },
    });
    expect((await call).status).toBe(201);
  });

  both('refuses a request without tilled-account with 400', async () => {
    expect((await kit.raw('GET', '/v1/customers', { headers: { 'tilled-account': '' } })).status).toBe(400);
  });

  here('refuses an account the key has nothing to do with with 403', async () => {
    const other = await kit.sandbox.provision({ name: 'Other' });
    expect((await refusal(kit.sdk.customers.listCustomers({ tilled_account: other.accountId }))).status).toBe(403);
  });

  here('lets the key of a partner act for its merchants', async () => {
    const seeded = await kit.control('seed', {
      accounts: [
        { accountId: 'acct_partner', type: 'partner', secretKey: 'sk_partner' },
        { accountId: 'acct_merchant', partnerId: 'acct_partner', secretKey: 'sk_merchant' },
      ],
    });
    expect(seeded['accounts']).toHaveLength(2);
    const partner = sdkFor(kit.url, 'sk_partner');
    expect((await partner.customers.listCustomers({ tilled_account: 'acct_merchant' })).status).toBe(200);
    const merchant = sdkFor(kit.url, 'sk_merchant');
    expect((await refusal(merchant.customers.listCustomers({ tilled_account: 'acct_partner' }))).status).toBe(403);
  });

  here('refuses with 403 what the scopes of a restricted key do not cover', async () => {
    await kit.control('seed', { accounts: [{ accountId: 'acct_scoped', secretKey: 'sk_scoped', scopes: ['customers:read'] }] });
    const reader = sdkFor(kit.url, 'sk_scoped');
    expect((await reader.customers.listCustomers({ tilled_account: 'acct_scoped' })).status).toBe(200);
    const write = reader.customers.createCustomer({ tilled_account: 'acct_scoped', CustomerCreateParams: {} });
    expect((await refusal(write)).status).toBe(403);
  });

  both('sends a request-id with every answer, errors and unknown routes included', async () => {
    const answers = [
      await kit.raw('GET', '/v1/customers'),
      await kit.raw('GET', '/v1/customers', { headers: { 'tilled-api-key': '' } }),
      await kit.raw('GET', '/v1/customers/cus_nobody'),
      await kit.raw('GET', '/v1/nope'),
    ];
    expect(new Set(answers.map((answer) => answer.headers.get('request-id') ?? 'none')).size).toBe(4);
  });

  both('answers an unknown route with 404 and the words Cannot GET', async () => {
    const answer = await kit.raw('GET', '/v1/nope');
    expect(answer.status).toBe(404);
    expect(answer.json['message']).toContain('Cannot GET /v1/nope');
  });

  both('answers the wrong verb on a known path with 404', async () => {
    const answer = await kit.raw('POST', '/v1/payment-methods/x/attach', { body: {} });
    expect(answer.status).toBe(404);
    expect(answer.json['message']).toContain('Cannot POST /v1/payment-methods/x/attach');
  });

  both('knows no account by id: GET accounts/{id} is an unknown route', async () => {
    expect((await kit.raw('GET', `/v1/accounts/${kit.account}`)).status).toBe(404);
    expect((await kit.sdk.accounts.getAccount({ tilled_account: kit.account })).data.id).toBe(kit.account);
  });

  both('says it is healthy to anybody', async () => {
    const answer = await kit.raw('GET', '/v1/health', { headers: { 'tilled-api-key': '', 'tilled-account': '' } });
    expect([answer.status, answer.json['status']]).toEqual([200, 'pass']);
  });

  both('answers 201 to a create, 200 to a read and a patch, 204 with nothing to a delete', async () => {
    const created = await customers();
    const { id } = created.data;
    const read = await kit.sdk.customers.getCustomer({ tilled_account: kit.account, id });
    const patched = await kit.sdk.customers.updateCustomer({ tilled_account: kit.account, id, CustomerUpdateParams: { phone: '1' } });
    const deleted = await kit.sdk.customers.deleteCustomer({ tilled_account: kit.account, id });
    expect([created.status, read.status, patched.status, deleted.status]).toEqual([201, 200, 200, 204]);
    expect(deleted.data).toBe('');
  });

  both('answers 201 to confirm, capture and cancel of a payment, 200 to attach and detach', async () => {
    const { customer, method } = await kit.payer();
    const create = () =>
      kit.sdk.intents.createPaymentIntent({
        tilled_account: kit.account,
        PaymentIntentCreateParams: {
          amount: 500,
          currency: 'usd',
          payment_method_types: ['card'],
          payment_method_id: method,
          capture_method: 'manual',
        },
      });
    const one = (await create()).data.id;
    const other = (await create()).data.id;
    const confirmed = await kit.sdk.intents.confirmPaymentIntent({ tilled_account: kit.account, id: one, PaymentIntentConfirmParams: {} });
    const captured = await kit.sdk.intents.capturePaymentIntent({ tilled_account: kit.account, id: one, PaymentIntentCaptureParams: {} });
    const canceled = await kit.sdk.intents.cancelPaymentIntent({ tilled_account: kit.account, id: other, PaymentIntentCancelParams: {} });
    const attached = await kit.sdk.methods.attachPaymentMethodToCustomer({
      tilled_account: kit.account,
      id: await kit.card(),
      PaymentMethodAttachParams: { customer_id: customer },
    });
    const detached = await kit.sdk.methods.detachPaymentMethodFromCustomer({ tilled_account: kit.account, id: attached.data.id });
    const statuses = [confirmed, captured, canceled, attached, detached].map((answer) => answer.status);
    expect(statuses).toEqual([201, 201, 201, 200, 200]);
  });

  both('takes a PUT without a body whose content type is a form', async () => {
    const { method } = await kit.payer();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' };
    expect((await kit.raw('PUT', `/v1/payment-methods/${method}/detach`, { headers })).status).toBe(200);
  });

  both('ignores fields and parameters it does not know', async () => {
    const answer = await kit.raw('POST', '/v1/customers?surprise=1', { body: { first_name: 'Ada', name: 'Ada', nonsense: { a: 1 } } });
    expect(answer.status).toBe(201);
    expect(answer.json).not.toHaveProperty('nonsense');
    expect(answer.json).not.toHaveProperty('name');
  });

  both('refuses a wrong type, a wrong word and a number out of range with 400 and a message', async () => {
    const base = { amount: 500, currency: 'usd', payment_method_types: ['card'] };
    const wrong = [
      { amount: '500' },
      { amount: 0 },
      { amount: 100_000_000 },
      { amount: 1.5 },
      { currency: 'xxx' },
      { payment_method_types: [] },
    ];
    for (const change of wrong) {
      const answer = await kit.raw('POST', '/v1/payment-intents', { body: { ...base, ...change } });
      expect([change, answer.status, String(answer.json['message']).length > 0]).toEqual([change, 400, true]);
    }
  });

  here('answers a body that is no JSON with 400', async () => {
    const headers = { 'tilled-api-key': kit.secretKey, 'tilled-account': kit.account, 'content-type': 'application/json' };
    expect((await fetch(`${kit.url}/v1/customers`, { method: 'POST', headers, body: '{"a":' })).status).toBe(400);
  });

  both('writes keys in alphabetical order, absent fields as null, times in ISO with milliseconds, ids with 21 characters', async () => {
    const { text, json } = await kit.raw('POST', '/v1/customers', { body: { first_name: 'Ada', metadata: { b: '1' } } });
    const keys = [...text.matchAll(/"(\w+)":/g)].map((match) => String(match[1])).filter((key) => key !== 'b');
    expect(keys).toEqual([...keys].sort());
    expect(json['email']).toBeNull();
    expect(json['created_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(json['id']).toMatch(/^cus_[A-Za-z0-9]{21}$/);
  });
});

describe('lists', () => {
  here('show 30 by default, at most 100, and where they are', async () => {
    const own = await Kit.open({ seed: 2 });
    for (let n = 0; n < 103; n += 1) await own.customer();
    const list = (query: { limit?: number; offset?: number }) => own.sdk.customers.listCustomers({ tilled_account: own.account, ...query });
    expect((await list({})).data).toMatchObject({ items: { length: 30 }, has_more: true, limit: 30, offset: 0, total: 103 });
    expect((await list({ limit: 1000 })).data).toMatchObject({ items: { length: 100 }, limit: 100, has_more: true });
    expect((await list({ offset: 90 })).data).toMatchObject({ items: { length: 13 }, has_more: false, offset: 90, total: 103 });
    expect((await list({ offset: 200 })).data).toMatchObject({ items: { length: 0 }, has_more: false, total: 103 });
    expect((await refusal(list({ limit: 0 }))).status).toBe(400);
    await own.close();
  });

  both('are newest first', async () => {
    const ids = [await kit.customer(), await kit.customer(), await kit.customer()];
    const { data } = await kit.sdk.customers.listCustomers({ tilled_account: kit.account, limit: 3 });
    expect(data.items.map((customer) => customer.id)).toEqual(ids.reverse());
  });

  both('take several statuses with commas and by repetition alike', async () => {
    await kit.pay(500);
    const [comma, repeated] = [
      await kit.raw('GET', '/v1/payment-intents?status=succeeded,canceled&limit=5'),
      await kit.raw('GET', '/v1/payment-intents?status=succeeded&status=canceled&limit=5'),
    ];
    expect(comma.json['total']).toBeGreaterThan(0);
    expect(repeated.text).toBe(comma.text);
    const viaSdk = await kit.sdk.intents.listPaymentIntents({ tilled_account: kit.account, status: ['succeeded', 'canceled'], limit: 5 });
    expect(viaSdk.data.total).toBe(comma.json['total']);
  });

  both('filter by metadata[key]=value, several together', async () => {
    const tag = `tag-${Math.random()}`;
    const { data: match } = await customers({ tag, kind: 'a' });
    await customers({ tag, kind: 'b' });
    const found = await kit.raw('GET', `/v1/customers?metadata[tag]=${tag}&metadata[kind]=a`);
    expect(found.json).toMatchObject({ total: 1, items: [{ id: match.id }] });
    // The SDK flattens the filter; written out by hand it arrives.
    const written = await kit.sdk.customers.listCustomers({ tilled_account: kit.account, metadata: { 'metadata[tag]': tag } });
    expect(written.data.total).toBe(2);
  });

  both('do not filter by a bare key=value, which is what the SDK makes of a metadata filter', async () => {
    const all = await kit.sdk.customers.listCustomers({ tilled_account: kit.account });
    const flattened = await kit.sdk.customers.listCustomers({ tilled_account: kit.account, metadata: { tag: 'nobody has this' } });
    expect(flattened.data.total).toBe(all.data.total);
  });

  here('include both bounds of a date filter, which may be Date objects', async () => {
    await kit.advance({ ms: 60_000 });
    const { created_at: at } = await kit.pay(500);
    await kit.advance({ ms: 60_000 });
    const list = (from: string, until: string) =>
      kit.sdk.intents.listPaymentIntents({ tilled_account: kit.account, created_at_gte: from, created_at_lte: until });
    expect((await list(at, at)).data.total).toBe(1);
    expect((await list(new Date(Date.parse(at) + 1).toISOString(), at)).data.total).toBe(0);
    // The type says string, the SDK takes a Date all the same.
    const dated = Object.assign({ tilled_account: kit.account, created_at_gte: at }, { created_at_gte: new Date(at) });
    expect((await kit.sdk.intents.listPaymentIntents(dated)).data.total).toBe(1);
    expect((await refusal(list('yesterday', at))).status).toBe(400);
  });
});

describe('customers', () => {
  both('merge metadata, drop a key sent as empty or null and clear all with {}', async () => {
    const { data } = await customers({ a: '1', b: '2', c: '3' });
    const patch = (metadata: unknown) => kit.raw('PATCH', `/v1/customers/${data.id}`, { body: { metadata } });
    expect((await patch({ d: '4' })).json['metadata']).toEqual({ a: '1', b: '2', c: '3', d: '4' });
    expect((await patch({ a: '', b: null })).json['metadata']).toEqual({ c: '3', d: '4' });
    expect(Object.keys(Object((await patch({})).json['metadata']))).toEqual([]);
  });

  both('keep what a patch does not name', async () => {
    const { data } = await kit.sdk.customers.createCustomer({
      tilled_account: kit.account,
      CustomerCreateParams: { first_name: 'Ada', email: 'ada@example.com' },
    });
    const patched = await kit.sdk.customers.updateCustomer({
      tilled_account: kit.account,
      id: data.id,
      CustomerUpdateParams: { last_name: 'Payer' },
    });
    expect(patched.data).toMatchObject({ first_name: 'Ada', last_name: 'Payer', email: 'ada@example.com' });
  });

  both('refuse a 51st metadata key, a key of 41 and a value of 501 characters with 400', async () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v']));
    for (const metadata of [many, { ['k'.repeat(41)]: 'v' }, { k: 'v'.repeat(501) }]) {
      expect((await refusal(customers(metadata))).status).toBe(400);
    }
  });

  here('of one account are 404 for another', async () => {
    const other = await kit.sandbox.provision({ name: 'Neighbour' });
    const id = await kit.customer();
    const neighbour = sdkFor(kit.url, other.secretKey);
    expect(await refusal(neighbour.customers.getCustomer({ tilled_account: other.accountId, id }))).toMatchObject({ status: 404 });
  });

  both('are 404 once deleted', async () => {
    const id = await kit.customer();
    await kit.sdk.customers.deleteCustomer({ tilled_account: kit.account, id });
    expect((await refusal(kit.sdk.customers.getCustomer({ tilled_account: kit.account, id }))).status).toBe(404);
  });

  both('are found by a part of name, e-mail or phone with q, and not by an email filter', async () => {
    const name = `Zz${Math.random()}`;
    await kit.sdk.customers.createCustomer({ tilled_account: kit.account, CustomerCreateParams: { last_name: name } });
    expect((await kit.sdk.customers.listCustomers({ tilled_account: kit.account, q: name.toUpperCase() })).data.total).toBe(1);
    const all = await kit.raw('GET', '/v1/customers');
    expect((await kit.raw('GET', '/v1/customers?email=nobody@example.com')).json['total']).toBe(all.json['total']);
  });
});

describe('payment methods', () => {
  const read = async (id: string) => (await kit.sdk.methods.getPaymentMethod({ tilled_account: kit.account, id })).data;

  here('tell the brand, funding and last four digits of the test cards', async () => {
    const cards: [string, string, string, string][] = [
      ['4111111111111111', '123', 'visa', 'credit'],
      ['4900770000000001', '123', 'visa', 'debit'],
      ['5100400000000000', '123', 'mastercard', 'credit'],
      ['6011234567890123', '123', 'discover', 'credit'],
      ['370123456789017', '1234', 'amex', 'credit'],
      ['4037111111000000', '123', 'visa', 'credit'],
    ];
    for (const [number, cvc, brand, funding] of cards) {
      expect((await read(await kit.card({ number, cvc }))).card).toMatchObject({ brand, funding, last4: number.slice(-4) });
    }
  });

  both('of a card are chargeable, unattached and expire', async () => {
    const method = await read(await kit.card());
    expect(method).toMatchObject({ type: 'card', chargeable: true, card: { last4: '1111', exp_month: 12, exp_year: 2031 } });
    expect(method.customer_id).toBeNull();
    expect(Date.parse(String(method.expires_at))).toBeGreaterThan(Date.parse(method.created_at));
  });

  both('check the address by the first letter of the street', async () => {
    const expected: [string, string, string][] = [
      ['X Street', 'pass', 'pass'],
      ['A Street', 'pass', 'fail'],
      ['Z Street', 'fail', 'pass'],
      ['N Street', 'fail', 'fail'],
      ['U Street', 'unavailable', 'unavailable'],
      ['1 Street', 'pass', 'pass'],
    ];
    for (const [street, line1, zip] of expected) {
      const method = await read(await kit.card({ street }));
      expect([street, method.card?.checks]).toMatchObject([street, { address_line1_check: line1, address_postal_code_check: zip }]);
    }
  });

  here('check the CVC: given passes, 999 fails, absent is unchecked, of the wrong length is a 400', async () => {
    expect((await read(await kit.card({ cvc: '123' }))).card?.checks?.cvc_check).toBe('pass');
    expect((await read(await kit.card({ cvc: '999' }))).card?.checks?.cvc_check).toBe('fail');
    const card = { number: '4111111111111111', exp_month: 12, exp_year: 2031 };
    const without = await kit.raw('POST', '/v1/payment-methods', { body: { type: 'card', card } });
    expect(without.json['card']).toMatchObject({ checks: { cvc_check: 'unchecked' } });
    expect((await kit.raw('POST', '/v1/payment-methods', { body: { type: 'card', card: { ...card, cvc: '12' } } })).status).toBe(400);
  });

  both('of a bank account tell its last two digits and the bank', async () => {
    const method = await read(await kit.bankAccount());
    expect(method.ach_debit).toMatchObject({ last2: '89', routing_number: '021101108', account_type: 'checking' });
    expect(method.ach_debit?.bank_name).toMatch(/wells/i);
    expect(method.ach_debit).not.toHaveProperty('last4');
  });

  here('of a Canadian bank account tell its institution', async () => {
    const { data } = await kit.sdk.methods.createPaymentMethod({
      tilled_account: kit.account,
      PaymentMethodCreateParams: {
        type: 'eft_debit',
        eft_debit: { account_holder_name: 'Ada', account_number: '1234567', institution_id: '004', transit_number: '12345' },
      },
    });
    expect(data.eft_debit).toEqual({ bank_name: 'The Toronto-Dominion Bank', institution_id: '004', last2: '67', transit_number: '12345' });
  });

  both('belong to the customer once attached and expire no more', async () => {
    const { customer, method } = await kit.payer();
    const attached = await read(method);
    expect([attached.customer_id, attached.expires_at, attached.chargeable]).toEqual([customer, null, true]);
  });

  here('cannot be attached once expired', async () => {
    const customer = await kit.customer();
    const method = await kit.card();
    await kit.advance({ ms: 15 * 60_000 });
    const call = kit.sdk.methods.attachPaymentMethodToCustomer({
      tilled_account: kit.account,
      id: method,
      PaymentMethodAttachParams: { customer_id: customer },
    });
    expect((await refusal(call)).status).toBe(400);
    expect((await read(method)).chargeable).toBe(false);
  });

  both('are listed by type and customer, and not without both', async () => {
    const { customer, method } = await kit.payer();
    const list = await kit.sdk.methods.listPaymentMethods({ tilled_account: kit.account, type: 'card', customer_id: customer });
    expect(list.data.items.map((item) => item.id)).toEqual([method]);
    const banks = await kit.sdk.methods.listPaymentMethods({ tilled_account: kit.account, type: 'ach_debit', customer_id: customer });
    expect(banks.data.items).toEqual([]);
    expect((await kit.raw('GET', `/v1/payment-methods?customer_id=${customer}`)).status).toBe(400);
    expect((await kit.raw('GET', '/v1/payment-methods?type=card')).status).toBe(400);
  });

  both('pay nothing any more once detached', async () => {
    const { method } = await kit.payer();
    await kit.sdk.methods.detachPaymentMethodFromCustomer({ tilled_account: kit.account, id: method });
    const intent = await kit.sdk.intents.createPaymentIntent({
      tilled_account: kit.account,
      PaymentIntentCreateParams: { amount: 500, currency: 'usd', payment_method_types: ['card'] },
    });
    const confirm = kit.sdk.intents.confirmPaymentIntent({
      tilled_account: kit.account,
      id: intent.data.id,
      PaymentIntentConfirmParams: { payment_method_id: method },
    });
    expect((await refusal(confirm)).status).toBe(400);
  });

  both('that are not attached pay once', async () => {
    const method = await kit.card();
    expect((await kit.pay(500, { method })).status).toBe('succeeded');
    expect((await read(method)).chargeable).toBe(false);
  });

  both('keep their number through an update of name and address', async () => {
    const { method } = await kit.payer();
    const { data } = await kit.sdk.methods.updatePaymentMethod({
      tilled_account: kit.account,
      id: method,
      PaymentMethodUpdateParams: { nick_name: 'Work', billing_details: { name: 'Ada P.', address: { zip: '1', country: 'US' } } },
    });
    expect(data).toMatchObject({ nick_name: 'Work', billing_details: { name: 'Ada P.' }, card: { last4: '1111' } });
  });

  here('are made of a token once, of the type it was minted for', async () => {
    const card = { number: '5100400000000000', exp_month: 1, exp_year: 2030, cvc: '123' };
    const { payment_token: token } = await kit.control('tokens', { accountId: kit.account, type: 'card', card });
    const spend = () =>
      kit.sdk.methods.createPaymentMethod({
        tilled_account: kit.account,
        PaymentMethodCreateParams: { type: 'card', payment_token: String(token) },
      });
    expect((await spend()).data.card).toMatchObject({ brand: 'mastercard', last4: '0000' });
    expect((await refusal(spend())).status).toBe(400);
  });

  here('of a type without an active capability are refused as not enabled', async () => {
    const capabilities = [
      { type: 'card', status: 'active' },
      { type: 'ach_debit', status: 'in_review' },
    ];
    await kit.control('seed', { accounts: [{ accountId: 'acct_cards', secretKey: 'sk_cards', capabilities }] });
    const ach = { account_holder_name: 'Ada', account_number: '123456', account_type: 'checking' as const, routing_number: '021101108' };
    const cards = sdkFor(kit.url, 'sk_cards');
    const method = cards.methods.createPaymentMethod({
      tilled_account: 'acct_cards',
      PaymentMethodCreateParams: { type: 'ach_debit', ach_debit: ach },
    });
    expect(await refusal(method)).toMatchObject({ status: 400, message: expect.stringContaining('not enabled') });
    const intent = cards.intents.createPaymentIntent({
      tilled_account: 'acct_cards',
      PaymentIntentCreateParams: { amount: 1, currency: 'usd', payment_method_types: ['ach_debit'] },
    });
    expect(await refusal(intent)).toMatchObject({ status: 400, message: expect.stringContaining('not enabled') });
  });
});

describe('accounts', () => {
  here('connected ones whose name begins with * are enabled at once, others not', async () => {
    await kit.control('seed', { accounts: [{ accountId: 'acct_onboarder', type: 'partner', secretKey: 'sk_onboarder' }] });
    const { accounts } = sdkFor(kit.url, 'sk_onboarder');
    const connect = (name: string) =>
      accounts.createConnectedAccount({
        tilled_account: 'acct_onboarder',
        CreateConnectedAccountRequest: { email: 'a@example.com', name },
      });
    const [ready, slow] = [await connect('*Ready'), await connect('Slow')];
    expect(ready).toMatchObject({ status: 201, data: { status: 'active' } });
    expect(slow.data.capabilities?.map((capability) => capability.status)).not.toContain('active');
    const listed = await accounts.listConnectedAccounts({ tilled_account: 'acct_onboarder', status: ['active'] });
    expect(listed.data.items.map((account) => account.id)).toEqual([ready.data.id]);
  });

  here('gain and lose capabilities', async () => {
    const { accountId, secretKey } = await kit.sandbox.provision({ accountId: 'acct_bare', capabilities: [] });
    const { accounts } = sdkFor(kit.url, secretKey);
    const AccountCapabilityCreateParams = { pricing_template_id: 'pt_sandbox_card' };
    const added = await accounts.addAccountCapability({ tilled_account: accountId, AccountCapabilityCreateParams });
    expect([added.status, added.data]).toEqual([201, '']);
    const [capability] = (await accounts.getAccount({ tilled_account: accountId })).data.capabilities ?? [];
    expect(capability).toMatchObject({ status: 'created', pricing_template: { payment_method_type: 'card' } });
    const removed = await accounts.deleteAccountCapability({ tilled_account: accountId, id: String(capability?.id) });
    expect(removed.status).toBe(204);
  });
});
