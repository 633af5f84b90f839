import type { DocumentNode } from 'graphql';

/** The hash that graphql-codegen wrote into a document, `sha256:…`: under it the document is registered. */
export function hashOf(document: DocumentNode & { readonly __meta__?: { readonly hash?: string } }): string {
  const hash = document.__meta__?.hash;
  if (hash === undefined) throw new Error('This document was not generated with persistedDocuments.');
  return hash;
}
