import { recordEvent } from '../outbox/outbox.js';
import type { Scope } from '../tenancy/scope.js';
import type { Intent } from './mutation.js';

/** Writes down what was asked for: amounts and switches. Text may tell about a person and stays out. */
export function recordRequest(tx: Scope, operation: string, { subject, payload }: Intent): void {
  const plain = Object.entries(payload ?? {}).filter(([, value]) => typeof value === 'number' || typeof value === 'boolean');
  recordEvent(tx, { type: `request.${operation}`, objectId: subject, details: { asked: Object.fromEntries(plain) } });
}
