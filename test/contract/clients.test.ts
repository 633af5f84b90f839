import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { tryApollo } from '../clients/apollo.trial.js';
import { tryBilling } from '../clients/billing.trial.js';
import { registeredSdk, tryRequest } from '../clients/graphql-request.trial.js';
import { type Built, buildProject } from '../clients/project.js';
import { tryRelay } from '../clients/relay.trial.js';
import { describeTrials } from '../clients/trial.js';
import { tryUrql } from '../clients/urql.trial.js';
import { billing } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let built: Built;

beforeAll(async () => {
  built = await buildProject();
  world = await World.create({ sessionDocuments: 'registered' });
  app = await world.app();
  for (const file of built.manifests) {
    const registered = await billing(['operations', 'register', '--app', app.id, '--file', file], world.environment);
    expect(registered).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Registered 4 of 4 documents') });
  }
  const ours = ['operations', 'register', '--app', app.id, '--file', 'client/persisted-documents.json'];
  expect(await billing(ours, world.environment)).toMatchObject({ status: 0, stderr: '' });
});
afterAll(async () => {
  await world.close();
  await built.remove();
});

describe('as it comes, by Node', () => {
  describeTrials('Node', () => ({ world, app }), [
    { name: '@billing-gateway/client', mode: 'own', who: 'key', hasCache: false, open: tryBilling },
    { name: '@billing-gateway/client', mode: 'registered', who: 'session', hasCache: false, open: tryBilling },
    { name: '@apollo/client', mode: 'own', who: 'key', open: (connection) => tryApollo(connection, built.documents) },
    { name: '@apollo/client', mode: 'registered', who: 'session', open: (connection) => tryApollo(connection, built.documents) },
    { name: '@apollo/client', mode: 'automatic', who: 'key', open: (connection) => tryApollo(connection, built.documents) },
    { name: '@urql/core', mode: 'own', who: 'key', open: (connection) => tryUrql(connection, built.documents) },
    { name: '@urql/core', mode: 'registered', who: 'session', open: (connection) => tryUrql(connection, built.documents) },
    { name: '@urql/core', mode: 'automatic', who: 'key', open: (connection) => tryUrql(connection, built.documents) },
    { name: 'relay-runtime', mode: 'own', who: 'key', open: (connection) => tryRelay(connection, built.relay.own) },
    { name: 'relay-runtime', mode: 'registered', who: 'session', open: (connection) => tryRelay(connection, built.relay.registered) },
    { name: 'graphql-request', mode: 'own', who: 'key', hasCache: false, open: (connection) => tryRequest(connection, built.getSdk) },
    {
      name: 'graphql-request',
      mode: 'registered',
      who: 'session',
      hasCache: false,
      open: (connection) => tryRequest(connection, (client) => registeredSdk(client, built.texts)),
    },
  ]);
});
