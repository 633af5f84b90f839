import { IntentTooOld } from './errors.js';

/**
 * Where the keys of named intents are kept, so that a process that begins anew asks with the key of the one before.
 * A table, Redis (`SET NX GET`), or in a page `localStorage`.
 */
export interface KeyStorage {
  /**
   * Keeps the value unless there is one under this name, in one step for all that share the storage. Gives what is
   * there then.
   */
  keep(name: string, value: string): string | Promise<string>;
  /** Forgets it, if this value is still what is there. */
  forget(name: string, value: string): void | Promise<void>;
}

/** The gateway keeps a key for 30 days; later the same key is a new request. */
const AGE_MS_MAX = 29 * 86_400_000;
const KEY_BYTES = 16;

/**
 * Answers after which nothing of this request is under way, and another try needs a new key (docs/errors.md). A code
 * that is not known here keeps its key: the same answer again is safe, a second payment is not.
 */
export const ENDED: ReadonlySet<string> = new Set([
  ...['NOT_FOUND', 'STALE_VERSION', 'DUPLICATE_EXTERNAL_ID', 'DUPLICATE_REFERENCE', 'NO_PAYMENT_METHOD'],
  ...['PAYMENT_DECLINED', 'PAYMENT_CANCELED', 'ILLEGAL_TRANSITION', 'REFUND_TOO_LARGE', 'PROCESSOR_REJECTED'],
]);

/** Keeps keys for as long as the process lives. */
export function memoryKeys(): KeyStorage {
  const kept = new Map<string, string>();
  return {
    keep: (name, value) => {
      const found = kept.get(name) ?? value;
      kept.set(name, found);
      return found;
    },
    forget: (name, value) => {
      if (kept.get(name) === value) kept.delete(name);
    },
  };
}

/** A random key. */
export function mintKey(): string {
  // Not randomUUID: pages without TLS have none.
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The key of an intent, and what is kept of it. */
export interface IntentKey {
  readonly key: string;
  readonly name: string;
  readonly kept: string;
}

/** The key of an intent that the app has named, minted and kept before it is used. Throws IntentTooOld. */
export async function intentKey(storage: KeyStorage, operation: string, intent: string): Promise<IntentKey> {
  const name = `${operation}:${intent}`;
  const kept = await storage.keep(name, `${mintKey()} ${new Date().toISOString()}`);
  const [key = '', mintedAt = ''] = kept.split(' ');
  // An age that cannot be read is not young.
  if (Date.now() - Date.parse(mintedAt) <= AGE_MS_MAX) return { key, name, kept };
  const summary = 'the key of this intent is older than the gateway remembers; see what became of it, then take it out of the storage';
  throw new IntentTooOld({ operation, summary, idempotencyKey: key });
}

/** Lets the next call of the intent be a new try, if this answer says that it may be one. */
export async function noteAnswer(storage: KeyStorage, { name, kept }: IntentKey, code: string): Promise<void> {
  // Only the key that was answered: another process may have begun the next try.
  if (ENDED.has(code)) await storage.forget(name, kept);
}
