import { describe, expect, it } from '@jest/globals';
import { clientAddressReader, networkOf } from '../../src/platform/limits/client-address.js';

describe('an address is counted', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:40001', '203.0.113.9'],
    ['203.0.113.9:65535', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['0:0:0:0:0:ffff:203.0.113.9', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:40001', '203.0.113.9'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8:0:0::/64'],
    ['[2001:db8::1]:40001', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['[fe80::2%25en1]:443', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
  ])('as %s is %s', (written, counted) => {
    expect(networkOf(written)).toBe(counted);
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    '203.0.113',
    '203.0.113.256',
    '0203.0.113.9',
    '203.0.113.9:',
    '203.0.113.9:port',
    '[203.0.113.9',
    '2001:db8::1::2',
    '2001:db8::g',
    '[2001:db8::1]40001',
    'client-1.example.com',
    'x'.repeat(1_000),
  ])('with all others that are none where it is "%.30s"', (written) => {
    expect(networkOf(written)).toBe('none');
  });
});

describe('the sender of a request', () => {
  const from = (remoteAddress: string | undefined, forwarded?: string, trusted = ['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.1']) =>
    networkOf(
      clientAddressReader(trusted)({
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
        socket: { remoteAddress } as never,
      }),
    );

  it.each([
    ['the connection, where nobody is trusted', '203.0.113.9', '198.51.100.1', [], '203.0.113.9'],
    ['the connection, where it is no trusted proxy', '203.0.113.9', '198.51.100.1', undefined, '203.0.113.9'],
    ['who a trusted proxy names', '10.0.0.1', '198.51.100.1', undefined, '198.51.100.1'],
    ['who it names with a port', '10.0.0.1', '198.51.100.1:40001', undefined, '198.51.100.1'],
    ['the last who is named, whatever the client wrote before', '10.0.0.1', '192.0.2.7, 198.51.100.1', undefined, '198.51.100.1'],
    ['who is named before trusted proxies', '10.0.0.1', '198.51.100.1, 10.0.0.3, 192.0.2.1', undefined, '198.51.100.1'],
    [
      'who is named before trusted proxies with ports',
      '10.0.0.1',
      '198.51.100.1:1,10.0.0.3:2 , [2001:db8:ffff::1]:3',
      undefined,
      '198.51.100.1',
    ],
    ['who is named by a proxy that speaks IPv6 of IPv4', '::ffff:10.0.0.1', '198.51.100.1', undefined, '198.51.100.1'],
    ['who is named by one that writes so', '10.0.0.1', '198.51.100.1, ::ffff:10.0.0.2', undefined, '198.51.100.1'],
    ['the first, where all are trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', undefined, '10.0.0.3'],
    ['the proxy, where it names nobody', '10.0.0.1', undefined, undefined, '10.0.0.1'],
    ['nobody, where the proxy names no address', '10.0.0.1', '198.51.100.1, unknown', undefined, 'none'],
    ['nobody, where the proxy names nothing', '10.0.0.1', '198.51.100.1, ', undefined, 'none'],
    ['the proxy, where its header is empty', '10.0.0.1', '', undefined, '10.0.0.1'],
    ['nobody, where the connection has no address', undefined, '198.51.100.1', undefined, 'none'],
  ])('is %s', (_, connection, forwarded, trusted, sender) => {
    expect(from(connection, forwarded, trusted)).toBe(sender);
  });
});
