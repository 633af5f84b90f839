import type { TilledAccountType, TilledCapabilityStatus, TilledPaymentMethodType } from '../tilled/tilled.shapes.js';
import { PAYMENT_METHOD_TYPES } from '../tilled/tilled.shapes.js';
import type { Engine } from './engine.js';
import { badRequest } from './http-error.js';
import { hashOfKey, keyRecord } from './keys.js';
import type { AccountRecord } from './records.js';
import { blankAccount, newCapabilities } from './resources/accounts.js';

/** An account to be there. What is left out is made up. */
export interface ProvisionInput {
  accountId?: string;
  secretKey?: string;
  publishableKey?: string;
  name?: string;
  type?: TilledAccountType;
  /** The partner above a merchant; without it the sandbox's own partner is. */
  partnerId?: string;
  /** Scopes of the secret key; without them all. */
  scopes?: string[];
  /** Payment types by state; without them every type is active. */
  capabilities?: { type: TilledPaymentMethodType; status: TilledCapabilityStatus }[];
}

/** An account and the keys that act for it. */
export interface Provisioned {
  accountId: string;
  secretKey: string;
  publishableKey: string;
}

/**
 * Makes an account with two keys, or finds those that are there: the same ids give the same account. Keys that are not
 * named and were made before a restart cannot be shown again: the account then gets another pair, beside the first.
 * 400 when a key is another account's. Within a transaction.
 */
export function provisionAccount(engine: Engine, input: ProvisionInput): Provisioned {
  const existing = input.accountId === undefined ? undefined : engine.store.accounts.get(input.accountId);
  const account = existing ?? addAccount(engine, input);
  const provisioned = {
    accountId: account.id,
    secretKey: keyOf(engine, account, { type: 'secret', id: input.secretKey, scopes: input.scopes ?? ['*'] }),
    publishableKey: keyOf(engine, account, { type: 'publishable', id: input.publishableKey, scopes: [] }),
  };
  return provisioned;
}

const SANDBOX_PARTNER_NAME = 'Sandbox partner';

function addAccount(engine: Engine, input: ProvisionInput): AccountRecord {
  const type = input.type ?? 'merchant';
  const partnerId = type === 'merchant' ? (input.partnerId ?? sandboxPartnerId(engine)) : null;
  const now = engine.clock.iso();
  const account: AccountRecord = {
    ...blankAccount(input.accountId ?? engine.ids.object('acct'), type, now),
    partner_id: partnerId,
    name: input.name ?? 'Sandbox merchant',
    status: 'active',
    capabilities:
      input.capabilities?.flatMap((capability) => newCapabilities(engine, [capability.type], capability.status)) ??
      newCapabilities(engine, PAYMENT_METHOD_TYPES, 'active'),
  };
  engine.store.accounts.put(account);
  return account;
}

function sandboxPartnerId(engine: Engine): string {
  const existing = engine.store.accounts.records().find((account) => account.name === SANDBOX_PARTNER_NAME);
  if (existing !== undefined) return existing.id;
  const partner = blankAccount(engine.ids.object('acct'), 'partner', engine.clock.iso());
  engine.store.accounts.put({ ...partner, name: SANDBOX_PARTNER_NAME, status: 'active' });
  return partner.id;
}

function keyOf(
  engine: Engine,
  account: AccountRecord,
  wanted: { type: 'secret' | 'publishable'; id: string | undefined; scopes: string[] },
): string {
  const { store, ids } = engine;
  if (wanted.id === undefined) {
    const kept = store.keys.records([`account_id=${account.id}`]).filter((key) => key.type === wanted.type);
    const text = kept.map(({ id }) => engine.keysMade.get(id)).find((key) => key !== undefined);
    if (text !== undefined) return text;
  }
  const key = wanted.id ?? ids.secret(wanted.type === 'secret' ? 'sk' : 'pk', 100);
  const known = store.keys.get(hashOfKey(key));
  if (known !== undefined && known.account_id !== account.id) throw badRequest('This key belongs to another account');
  if (known === undefined) store.keys.put(keyRecord(key, { account_id: account.id, type: wanted.type, scopes: wanted.scopes }));
  engine.keysMade.set(hashOfKey(key), key);
  return key;
}
