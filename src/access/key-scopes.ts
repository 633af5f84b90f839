import { InvalidInput } from '../platform/errors.js';
import type { KeyRole } from './api-key.entity.js';

/** What a key may be confined to. Each can be read, and written unless it only shows. */
const RESOURCES = [
  ...['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes'],
  ...['divergences', 'webhooks', 'events', 'sessions', 'settings'],
];

/** Every scope a key may have. */
export const KEY_SCOPES: readonly string[] = RESOURCES.flatMap((resource) => [`${resource}:read`, `${resource}:write`]);

/** The scopes, each once and in order; null when there are none, which means all of the role. Throws InvalidInput. */
export function checkedScopes(role: KeyRole, scopes: readonly string[]): readonly string[] | null {
  for (const scope of scopes) {
    if (!KEY_SCOPES.includes(scope))
      throw InvalidInput.because(['scope'], `There is no scope ${scope}; there are ${KEY_SCOPES.join(', ')}.`);
    if (role === 'read_only' && scope.endsWith(':write'))
      throw InvalidInput.because(['scope'], `A read-only key cannot have ${scope}: make a service key.`);
  }
  return scopes.length === 0 ? null : [...new Set(scopes)].toSorted();
}
