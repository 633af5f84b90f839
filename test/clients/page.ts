import { tryApollo } from './apollo.trial.js';
import type { Client, Connection, Documents } from './client.js';
import { tryUrql } from './urql.trial.js';

const CLIENTS: Readonly<Record<string, (connection: Connection, documents: Documents) => Client>> = {
  '@apollo/client': tryApollo,
  '@urql/core': tryUrql,
};

let client: Client | null = null;

/** What a test calls in a page, which esbuild made of this file. */
const hooks = {
  open: (name: string, connection: Connection, documents: Documents): void => {
    client = CLIENTS[name]?.(connection, documents) ?? null;
  },
  ask: (method: keyof Client, argument: never): unknown => client?.[method](argument),
};

export type Hooks = typeof hooks;

Object.assign(globalThis, hooks);
