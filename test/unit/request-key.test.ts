import { describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../src/platform/errors.js';
import { keyIdOf } from '../../src/platform/idempotency/request-key.js';
import type { Actor } from '../../src/platform/tenancy/actor.js';
import { Caller } from '../../src/platform/tenancy/caller.js';

const APP = {
  id: 'app_1',
  name: 'one',
  processorAccountId: 'acct_1',
  processorCredential: null,
  corsOrigins: [],
  suspendedAt: null,
  removedAt: null,
};
const SERVICE: Actor = { kind: 'service', keyId: 'key_1' };

function caller(actor: Actor, idempotencyKey?: string): Caller {
  return new Caller({ app: APP, actor, requestId: 'req_1', idempotencyKey });
}

function session(customerId: string): Actor {
  return { kind: 'customer', customerId, expiresAt: new Date(0), returnUrl: null };
}

const idFor = (who: Caller, input: object, operation = 'refundCreate') => keyIdOf(who, operation, input);

describe('the id of a request by its idempotency key', () => {
  it('is none without a key', () => {
    expect(idFor(caller(SERVICE), { amount: 1 })).toBeNull();
  });

  it('is the same wherever the key is, and none if two places name two keys', () => {
    const byInput = idFor(caller(SERVICE), { idempotencyKey: 'key' });
    expect([idFor(caller(SERVICE, 'key'), {}), idFor(caller(SERVICE, 'key'), { idempotencyKey: 'key' })]).toEqual([byInput, byInput]);
    expect(idFor(caller(SERVICE, 'key'), { idempotencyKey: null })).toBe(byInput);
    expect(() => idFor(caller(SERVICE, 'header'), { idempotencyKey: 'input' })).toThrow(InvalidInput);
  });

  it('differs between mutations, between customers, and between a customer and the app', () => {
    const [one, other] = ['cus_1', 'cus_2'].map((customerId) => caller(session(customerId), 'key'));
    const ids = [one, other, caller(SERVICE, 'key')].map((who) => idFor(who ?? caller(SERVICE), {}));
    expect(new Set([...ids, idFor(caller(SERVICE, 'key'), {}, 'paymentCreate')]).size).toBe(4);
  });

  it('is the same for every key of the app itself, so that a key may be rotated between a request and its repeat', () => {
    expect(idFor(caller({ kind: 'service', keyId: 'key_2' }, 'key'), {})).toBe(idFor(caller(SERVICE, 'key'), {}));
  });

  it.each(['', '   ', 'k'.repeat(256)])('refuses the key %j', (idempotencyKey) => {
    expect(() => idFor(caller(SERVICE), { idempotencyKey })).toThrow(InvalidInput);
  });
});

describe('a caller', () => {
  it('cannot be made without an app', () => {
    expect(() => new Caller({ app: { ...APP, id: '' }, actor: SERVICE, requestId: 'req_1' })).toThrow('A caller needs an app.');
  });

  it('sees the rows of one customer if it is one, and all of the app otherwise', () => {
    expect(caller(session('cus_1')).onlyCustomerId).toBe('cus_1');
    expect(caller(SERVICE).onlyCustomerId).toBeNull();
  });
});
