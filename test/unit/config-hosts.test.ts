import { describe, expect, it } from '@jest/globals';
import { readDatabaseUrl } from '../../src/config.backup.js';
import { hostName } from '../../src/config.hosts.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { readPreflightConfig } from '../../src/config.preflight.js';
import { addressOf } from '../../src/platform/db/address.js';

const read = (hosts: string, query = 'connection_limit=10') =>
  readConfig({ NODE_ENV: 'test', DATABASE_URL_BILLING: `mysql://u:hunter2@${hosts}/billing_db?${query}` }, '/').database;

function problemsOf(url: string): readonly string[] {
  try {
    readConfig({ DATABASE_URL_BILLING: url }, '/');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a database URL with several hosts', () => {
  it('names each in its order, with its port or the usual one', () => {
    const { location, hosts, poolSize } = read('db-1:3307,db-2,[::1]:3308,[fe80::2],10.0.0.1:3306');
    expect(hosts?.addresses.map(hostName)).toEqual(['db-1:3307', 'db-2:3306', '[::1]:3308', '[fe80::2]:3306', '10.0.0.1:3306']);
    expect(hosts?.order).toBe('given');
    expect(poolSize).toBe(10);
    // What knows one host only has the first.
    expect(addressOf(location)).toEqual({ host: 'db-1', port: 3307, user: 'u', password: 'hunter2', database: 'billing_db' });
  });

  it('has one user and password, in which everything may be encoded, and a comma need not', () => {
    const { location, hosts } = readDatabaseUrl({}, 'mysql://a%40b:p,%2C%40%2F@db-1,db-2:3307/billing_db', '--to');
    expect(addressOf(location)).toMatchObject({ user: 'a@b', password: 'p,,@/', host: 'db-1' });
    expect(hosts?.addresses).toEqual([
      { host: 'db-1', port: 3306 },
      { host: 'db-2', port: 3307 },
    ]);
  });

  it('is tried in its order, or as each process shuffled it', () => {
    expect(read('a,b', 'load_balance_hosts=disable').hosts?.order).toBe('given');
    expect(read('a,b', 'load_balance_hosts=random').hosts?.order).toBe('random');
  });

  it('says how many connections a pool has as one with one host does', () => {
    const settings = (url: string) => readPreflightConfig({ DATABASE_URL_BILLING: url }, '/').hasPoolLimit;
    expect([settings('mysql://u@a,b/d?connection_limit=4'), settings('mysql://u@a,b/d'), settings('')]).toEqual([true, false, false]);
  });

  it.each([
    ['an empty host', 'a,,b', /has host 2 of 3 that cannot be read/],
    ['a comma at the end', 'a,b,', /has host 3 of 3 that cannot be read/],
    ['a space after the comma', 'a, b', /has host 2 of 2 that cannot be read/],
    ['a port that is none', 'a:1,b:x,c:70000', /has hosts 2 and 3 of 3 that cannot be read/],
    ['an IPv6 address without brackets', 'a,::1', /has host 2 of 2 that cannot be read: .*IPv6 in brackets/],
    ['a port alone', 'a,:3306', /has host 2 of 2 that cannot be read/],
    ['a host twice', 'a,b,A:3306', /names the host a:3306 twice/],
    ['no host that can be read', 'a:x,b:y', /is not a mysql:\/\/ URL/],
  ])('is refused with %s, and never shown', (_, hosts, sentence) => {
    const problems = problemsOf(`mysql://u:hunter2@${hosts}/billing_db`);
    expect(problems).toEqual([expect.stringMatching(/^DATABASE_URL_BILLING /)]);
    expect(problems).toEqual([expect.stringMatching(sentence)]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('shows no part of a password whose signs are not encoded', () => {
    for (const password of ['hunter,2/x', 'hunter,hunter#', 'hunter/2,x', 'hunter?,'])
      expect(problemsOf(`mysql://u:${password}@a,b/billing_db`).join()).not.toContain('hunter');
  });

  it('is one URL: a second one behind the first is refused, and never shown', () => {
    for (const url of ['mysql://u@a/d,mysql://u:hunter2@b/d', 'mysql://u:hunter2@a:3306,mysql://b:3306/d', 'mysql://u:hunter2@a,b/d/']) {
      expect(problemsOf(url)).toEqual([expect.stringMatching(/^DATABASE_URL_BILLING has a slash in the name of its database/)]);
      expect(problemsOf(url).join()).not.toContain('hunter2');
    }
  });

  it('is refused with an order that is not known', () => {
    expect(problemsOf('mysql://u@a,b/d?load_balance_hosts=yes')).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING has a load_balance_hosts that is neither disable nor random/),
    ]);
  });
});

describe('a database URL with one host', () => {
  it('has no list of hosts, and may say an order all the same', () => {
    expect(read('db').hosts).toBeNull();
    expect(read('db', 'load_balance_hosts=random').hosts).toBeNull();
  });
});
