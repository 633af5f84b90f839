import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

type Store = NonNullable<ApolloServerOptions<BaseContext>['documentStore']>;

/** Bytes that all documents may take: some forty of the largest, some six hundred of the usual ones. */
const BYTES_MAX = 60_000_000;
/** What a document takes, roughly, in bytes: what is remembered of its costs and who may ask, its nodes, its text. */
const BYTES_OF = { document: 40_000, token: 400, character: 2 } as const;

/**
 * Documents that were found valid, so that they are not read again. Whoever has a key can send as many as they like, so
 * those used least recently are forgotten, and with them all that is remembered of them.
 */
export function knownDocuments(): Store {
  const kept = new LRUCache<string, DocumentNode>({ maxSize: BYTES_MAX, sizeCalculation: bytesOf });
  return {
    get: async (key) => kept.get(key),
    set: async (key, document) => void kept.set(key, document),
    delete: async (key) => kept.delete(key),
  };
}

function bytesOf({ loc }: DocumentNode): number {
  let tokens = 0;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) tokens += 1;
  return BYTES_OF.document + BYTES_OF.token * tokens + BYTES_OF.character * (loc?.source.body.length ?? 0);
}
