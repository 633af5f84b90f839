import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from './call.js';
import { HttpError, InvalidRequest } from './http-error.js';
import { hashOfKey } from './keys.js';
import type { AccountRecord, KeyRecord } from './records.js';
import type { Store } from './store.js';

/**
 * The account a request acts for. 401 without a known key, 400 without tilled-account,
 * 403 when the key may not act for that account or not do this.
 */
export function authenticate(store: Store, headers: IncomingHttpHeaders, route: Route): AccountRecord {
  const key = keyOf(store, headers);
  const accountId = headers['tilled-account'];
  if (typeof accountId !== 'string' || accountId === '') throw new InvalidRequest('tilled-account header is required');
  const account = store.accounts.get(accountId);
  if (account === undefined || !actsFor(key, account)) throw forbidden('This key may not act for this account');
  if (key.type === 'publishable' && route.isPublishable === undefined) throw forbidden('A secret key is required');
  if (key.type === 'secret' && !hasScope(key, route)) throw forbidden(`The key lacks the scope ${scopeOf(route)}`);
  return account;
}

function keyOf(store: Store, headers: IncomingHttpHeaders): KeyRecord {
  const direct = headers['tilled-api-key'];
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const value = typeof direct === 'string' ? direct : bearer;
  const key = value === undefined ? undefined : store.keys.get(hashOfKey(value));
  if (key === undefined) throw new HttpError(401, 'Unauthorized');
  return key;
}

function actsFor(key: KeyRecord, account: AccountRecord): boolean {
  return key.account_id === account.id || key.account_id === account.partner_id;
}

function hasScope(key: KeyRecord, route: Route): boolean {
  return key.scopes.includes('*') || key.scopes.includes(scopeOf(route));
}

function scopeOf(route: Route): string {
  return `${route.area}:${route.method === 'GET' ? 'read' : 'write'}`;
}

function forbidden(message: string): HttpError {
  return new HttpError(403, message);
}
