import { createHash } from 'node:crypto';
import { BriefCache } from '../platform/brief-cache.js';
import type { Clock } from '../platform/clock.js';
import { InvalidInput } from '../platform/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { Operation } from './operation.entity.js';
import { OperationRepository } from './operation.repository.js';

/** A document that an app wants to be sendable by its hash. */
export interface NewOperation {
  /** What the manifest says its SHA-256 is, in hexadecimal. */
  readonly hash: string;
  readonly name: string;
  readonly document: string;
}

/** A document never changes under its hash, so only memory is what this saves, ms. */
const KEPT_MS = 600_000;
const SIZE_MAX = 2_000;

/** The GraphQL documents that apps registered for their browsers: known by hash, and never made by a request. */
export class Operations {
  private readonly cache: BriefCache<string>;

  constructor(clock: Clock) {
    this.cache = new BriefCache(clock, { keptMs: KEPT_MS, sizeMax: SIZE_MAX });
  }

  /** The text of the app's document with this hash; null where it registered none. */
  async find(scope: Scope, hash: string): Promise<string | null> {
    if (!/^[0-9a-f]{64}$/.test(hash)) return null;
    const load = async () => (await OperationRepository.of(scope).find(hash))?.document ?? null;
    return this.cache.get(`${scope.appId} ${hash}`, load);
  }

  /** Registers the new documents; returns how many there were. Throws InvalidInput for a hash that is wrong. */
  async register(scope: Scope, documents: readonly NewOperation[]): Promise<number> {
    for (const { hash, name, document } of documents) {
      const own = createHash('sha256').update(document).digest('hex');
      if (own !== hash) throw InvalidInput.because(['file'], `${name}: ${hash} is not the document's SHA-256, which is ${own}.`);
    }
    const byHash = new Map(documents.map((operation) => [operation.hash, operation]));
    return scope.transaction(async (tx) => {
      const repository = OperationRepository.of(tx);
      const known = new Set((await repository.among([...byHash.keys()])).map(({ id }) => id));
      const missing = [...byHash.values()].filter(({ hash }) => !known.has(hash));
      for (const { hash, name, document } of missing) {
        repository.add({ id: hash, name: name.slice(0, 255), document, createdAt: tx.now() });
      }
      return missing.length;
    });
  }

  /** All of the scope's app, by hash. */
  list(scope: Scope): Promise<Operation[]> {
    return OperationRepository.of(scope).all();
  }
}
