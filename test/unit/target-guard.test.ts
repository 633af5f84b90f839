import { describe, expect, it } from '@jest/globals';
import { TargetGuard } from '../../src/deliveries/target.guard.js';

const LISTED = new TargetGuard(['10.1.0.0/16', '127.0.0.1', 'fd12::/16', '169.254.0.0/16', '0.0.0.0/0', '::/0']);
const guard = new TargetGuard([]);
const narrow = new TargetGuard(['10.1.0.0/16', 'fd12::/16']);

describe('an address without a network of the operator', () => {
  it.each([
    ...[
      '127.0.0.1',
      '127.8.9.1',
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '198.18.0.1',
      '240.0.0.1',
      '192.0.2.1',
    ],
    ...[
      '::1',
      'fc00::1',
      'fd12::1',
      '64:ff9b::10.0.0.1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:10.0.0.1',
      '::127.0.0.1',
      '2002:7f00:1::',
      '2001:db8::1',
    ],
    ...['100::1', 'fec0::1', '2001::1', '3fff::1', 'not an address', ''],
  ])('is not reached where it is none of the public internet: %s', (address) => {
    expect(guard.mayReach(address, 'https:')).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '172.15.255.255',
    '11.0.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
  ])('is reached by https where it is, and never by http: %s', (address) => {
    expect([guard.mayReach(address, 'https:'), guard.mayReach(address, 'http:')]).toEqual([true, false]);
  });
});

describe('what the operator lists', () => {
  it('is reached, by http too, and its neighbours are not', () => {
    const reached = ['10.1.2.3', '::ffff:10.1.2.3', 'fd12::5'].map((address) => narrow.mayReach(address, 'http:'));
    expect(reached).toEqual([true, true, true]);
    expect(['10.2.0.1', 'fd13::1', '127.0.0.1', '::1'].map((address) => narrow.mayReach(address, 'https:'))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([
    ...[
      '169.254.169.254',
      '169.254.0.1',
      '0.0.0.0',
      '0.1.2.3',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      'fe80::1',
      'fe80::1%eth0',
      '::',
      'fd00:ec2::254',
      'fd20:ce::254',
      'ff02::1',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::169.254.169.254',
    ],
  ])('is not reached for all that where it is link-local, of a metadata service or of many: %s', (address) => {
    expect([LISTED.mayReach(address, 'http:'), LISTED.mayReach(address, 'https:')]).toEqual([false, false]);
  });
});

describe('a URL', () => {
  it.each([
    `https://example.com/${'x'.repeat(2_048)}`,
    ...['http://example.com/', 'ftp://example.com/', 'not a url', '', 'https://user:secret@example.com/'],
    ...[
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://169.254.169.254/latest/',
    ],
  ])('is refused that leads nowhere we may go: %.60s', (url) => {
    expect(() => guard.checkedUrl(url)).toThrow(/^url /);
  });

  it('is kept as it is otherwise, without its fragment', () => {
    expect(guard.checkedUrl('https://Example.com:8443/hooks?x=1#part')).toBe('https://example.com:8443/hooks?x=1');
    expect(narrow.checkedUrl('http://10.1.2.3/hooks')).toBe('http://10.1.2.3/hooks');
  });
});
