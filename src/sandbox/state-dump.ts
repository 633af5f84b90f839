import type { Engine } from './engine.js';
import { isObject } from './fields.js';

const MASKED_FIELDS = new Set(['secret', 'client_secret']);

/** Everything the sandbox knows, or one collection of it, oldest first; secrets masked, of keys their hashes. */
export function stateDump(engine: Engine, only: string | null = null): Record<string, unknown> {
  const dump: Record<string, unknown> = { now: engine.clock.iso(), is_frozen: engine.clock.isFrozen };
  for (const collection of engine.store.all) {
    if (only !== null && collection.name !== only) continue;
    dump[collection.name] = collection.records().map((record) => masked(record));
  }
  if (only !== null) return dump;
  return { ...dump, webhook_attempts: engine.webhooks.attempts, webhook_settings: engine.webhooks.settings };
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (MASKED_FIELDS.has(key)) return [key, '***'];
      return key === 'body' && typeof item === 'string' ? [key, masked(JSON.parse(item))] : [key, masked(item)];
    }),
  );
}
