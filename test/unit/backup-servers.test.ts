import path from 'node:path';
import { expect, it } from '@jest/globals';
import { eachServer } from '../../src/backup/servers.js';
import { readConfig } from '../../src/config.js';
import { serverName } from '../../src/platform/db/address.js';

function serversOf(url: string) {
  return eachServer(readConfig({ DATABASE_URL_BILLING: url }, '.').database);
}

it('several servers of a database are backed up each as itself, with the same user and database', () => {
  const servers = serversOf('mysql://me:p%40%2Cb@one,[fd00::2]:3307,three:3308/billing_db?connection_limit=10');
  expect(servers.map(({ location, hosts }) => [location, hosts])).toEqual([
    ['mysql://me:p%40%2Cb@one:3306/billing_db', null],
    ['mysql://me:p%40%2Cb@[fd00::2]:3307/billing_db', null],
    ['mysql://me:p%40%2Cb@three:3308/billing_db', null],
  ]);
  expect(servers.map(({ location }) => serverName(location))).toEqual(['one:3306', '[fd00::2]:3307', 'three:3308']);
});

it('a database with one server is that server, and the embedded one itself', () => {
  expect(serversOf('mysql://me:x@one/billing_db').map(({ location }) => location)).toEqual(['mysql://me:x@one/billing_db']);
  expect(serversOf('sqlite:billing.db').map(({ location }) => location)).toEqual([path.resolve('billing.db')]);
});
